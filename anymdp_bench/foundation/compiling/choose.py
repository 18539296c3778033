"""The decorator of kernels, and the choice between compiling and interpreting.

Compiling everything that a first task needs takes tens of seconds, drawing that task in Python hundredths of
one. So a kernel may state its work, in steps of its innermost loops, as a function of its arguments. While
there is no compiled code, neither here nor on disk, it is interpreted until the work exceeds its patience.
From then on, and where compiled code exists, calls cost what they cost with `numba.njit`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numba.core import event

from anymdp_bench.foundation.compiling.cache import KernelCache, cache_of
from anymdp_bench.foundation.compiling.interpret import enter_module, interpreted
from anymdp_bench.foundation.compiling.notice import MARK, CompileWatch

Function = TypeVar("Function", bound=Callable[..., Any])
Work = Callable[..., int]
"""Called with a kernel's arguments; returns about how many steps its innermost loops will take."""

PATIENCE = 100_000
"""Default: a step takes Python about a microsecond, a small kernel a few tenths of a second to compile."""
EAGERNESS = 1.0
"""Work counts this many times; 0 interprets always, infinity never."""

event.register("numba:compile", CompileWatch())


def elements(*args: Any) -> int:
    """Work of a kernel that looks at every element of its arrays about once."""
    return sum(_size(value) for value in args)


def _size(value: Any) -> int:
    if isinstance(value, tuple):
        return elements(*value)
    return value.size if isinstance(value, np.ndarray) else 1


def kernel(
    *, work: Work | None = None, patience: int = PATIENCE, inner: bool = False, **options: Any
) -> Callable[[Function], Function]:
    """Decorate a function that numba compiles when it is first called, and keeps on disk.

    With ``NUMBA_DISABLE_JIT=1`` the function is always interpreted.

    Args:
        work: Steps of the innermost loops as a function of the arguments; allows interpreting at first.
        patience: Steps that are interpreted, over all calls of a process, before it is compiled.
        inner: It is called by kernels only, and compiled without what calls from Python need, which takes a
            fifth of the time; should Python call it all the same, it is interpreted.
        **options: Options of `numba.njit`.
    """

    def decorate(function: Function) -> Function:
        enter_module(function.__module__)
        twin = interpreted(function)
        if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
            return twin  # type: ignore[return-value]
        without = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True} if inner else {}
        njit: Any = numba.njit
        compiled = njit(**without, **options)(function)
        setattr(compiled, MARK, True)
        cache = cache_of(function)
        if cache is not None:
            compiled._cache = cache
        if inner:
            _keep_from_python(compiled, twin)
        elif work is not None:
            compiled._compile_for_args = _Choice(compiled, twin, cache, work, patience)
        return compiled  # type: ignore[no-any-return]

    return decorate


def _keep_from_python(compiled: Any, twin: Callable[..., Any]) -> None:
    """Let Python call the twin always: the compiled code lacks what such calls would run into."""

    def add_overload(code: Any) -> None:
        compiled.overloads[tuple(code.signature.args)] = code

    compiled.add_overload = add_overload
    compiled._compile_for_args = lambda *args: twin


class _Choice:
    """Stands where numba's dispatcher is asked for code that fits a call and that it does not have yet."""

    def __init__(
        self, kernel: Any, twin: Callable[..., Any], cache: KernelCache | None, work: Work, patience: int
    ) -> None:
        self._kernel = kernel
        self._compile = kernel._compile_for_args
        self._twin = twin
        self._cache = cache
        self._work = work
        self._patience = patience
        self._done = 0.0
        self._unknown: set[Any] = set()

    def __call__(self, *args: Any) -> Any:
        """Return what is to be called with these arguments."""
        if self._is_cached(args):
            return self._compile(*args)
        self._done += EAGERNESS * self._work(*args)
        return self._twin if self._done <= self._patience else self._compile(*args)

    def _is_cached(self, args: tuple[Any, ...]) -> bool:
        signature = tuple(map(self._kernel.typeof_pyval, args))
        if self._cache is None or signature in self._unknown:
            return False
        found = self._cache.holds(signature, self._kernel.targetctx)
        if not found:
            self._unknown.add(signature)
        return found
