"""A kernel's twin: the same code objects, run by Python instead of the compiler, equal to the last bit.

Calling ``kernel.py_func`` is not enough: the kernels that it calls would be compiled. So every module of
kernels gets a second namespace, in which all kernels are plain functions. What differs between the two worlds
is settled here: integers of NumPy warn when they wrap, records have no attributes unless they lie in a
`numpy.recarray`, compiled code returns Python's numbers, and a `python_twin` stands in for an instruction.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

_TWINS: dict[int, Any] = {}
"""What stands in for an object that Python cannot call, by the id of that object, which lives on."""
_NAMESPACES: dict[str, dict[str, Any]] = {}
_MODULES: set[str] = set()
_LOCK = threading.RLock()


def python_twin(instruction: Any) -> Callable[[Function], Function]:
    """Decorate the function that stands in for a numba intrinsic where kernels are interpreted."""

    def decorate(function: Function) -> Function:
        _TWINS[id(instruction)] = function
        return function

    return decorate


def interpreted(kernel: Any) -> Callable[..., Any]:
    """Return what runs a kernel, and all that it calls, in Python.

    Args:
        kernel: Decorated by `compiling.kernel`, or its undecorated function.
    """
    function = getattr(kernel, "py_func", kernel)

    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        twin = _twin(function)
        with np.errstate(all="ignore"):
            return _returned(twin(*map(_given, args), **{name: _given(named[name]) for name in named}))

    call.py_func = function  # type: ignore[attr-defined]
    return call


def enter_module(name: str) -> None:
    """Remember a module that holds kernels."""
    _MODULES.add(name)


def _given(value: Any) -> Any:
    """Give the records of an argument's arrays attributes, as they have in compiled code."""
    if isinstance(value, np.ndarray):
        return value if value.dtype.names is None else value.view(np.recarray)
    if isinstance(value, tuple):
        return _rebuilt(value, _given)
    return value


def _returned(value: Any) -> Any:
    """Turn NumPy's scalars into Python's, which compiled code returns."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return _rebuilt(value, _returned)
    return value


def _rebuilt(items: tuple[Any, ...], change: Callable[[Any], Any]) -> tuple[Any, ...]:
    changed = map(change, items)
    return type(items)._make(changed) if hasattr(items, "_fields") else tuple(changed)  # type: ignore[attr-defined]


@functools.cache
def _twin(function: FunctionType) -> FunctionType:
    with _LOCK:
        names = _namespace(function.__module__, function.__globals__)
    return FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )


def _namespace(module: str, names: dict[str, Any]) -> dict[str, Any]:
    """Names of a module with the twins of all kernels; modules may import each other's."""
    if module not in _NAMESPACES:
        _NAMESPACES[module] = {}
        _NAMESPACES[module].update({name: _uncompiled(value) for name, value in names.items()})
    return _NAMESPACES[module]


def _uncompiled(value: Any) -> Any:
    if id(value) in _TWINS:
        return _TWINS[id(value)]
    if isinstance(value, ModuleType):
        return _Names(_namespace(value.__name__, vars(value))) if value.__name__ in _MODULES else value
    function = getattr(value, "py_func", None)
    return _twin(function) if isinstance(function, FunctionType) else value


class _Names:
    """A namespace that looks like a module."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.__dict__ = names
