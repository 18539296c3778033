"""A table of names that loads what it names only when asked."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from anymdp_bench.foundation.errors import BenchError, UnknownName, UnsupportedSetting
from anymdp_bench.foundation.extras import missing_module

T = TypeVar("T")
MOST_NAMED = 16
"""Names that an error lists where none is near."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """Build the error for a name that is not in `known`, with the nearest names, or all if none is near."""
    names = sorted(known)
    return UnknownName(f"Unknown {kind} {name!r}.{_hint(name, names) or _listed(names)}")


def unknown_setting(owner: str, name: str, legal: Iterable[str]) -> UnsupportedSetting:
    """Build the error for a keyword that is not in `legal`, in the words of Python's own."""
    names = sorted(legal)
    return UnsupportedSetting(
        f"{owner} got an unexpected keyword argument {name!r}.{_hint(name, names)} Legal: {', '.join(names)}."
    )


def _hint(name: object, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(name), names, n=3)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return f" Registered: {', '.join(names[:MOST_NAMED])}{f' and {more} more' if more > 0 else ''}."


def load_object(path: str) -> Any:
    """Import and return the object that ``"package.module:attribute"`` names.

    Raises:
        UnknownName: the text has no colon, or the module or the attribute does not exist.
        MissingExtra: the module needs an extra of this package.
    """
    module_name, colon, attribute = path.partition(":")
    if not (module_name and colon and attribute):
        raise UnknownName(f"{path!r} is not of the form 'package.module:attribute'.")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise _cannot_import(path, module_name, error) from error
    if not hasattr(module, attribute):
        raise unknown_name(f"attribute of {module_name}", attribute, vars(module))
    return getattr(module, attribute)


def _cannot_import(path: str, module_name: str, error: ModuleNotFoundError) -> BenchError | ImportError:
    """Tell a module that is not there from one that needs something that is not there."""
    missing = error.name or module_name
    if module_name == missing or module_name.startswith(f"{missing}."):
        return UnknownName(
            f"{path!r}: cannot import {missing!r}. Go to the folder that holds it (this is {Path.cwd()}), "
            "name that folder in PYTHONPATH, or install it."
        )
    found = missing_module(error, repr(path), module_name.partition(".")[0])
    if isinstance(found, BenchError):
        return found
    return UnknownName(f"{path!r} needs {missing!r}, which is not installed.")


def lookup(kind: str, table: Mapping[str, T], name: str) -> T:
    """Return ``table[name]``.

    Raises:
        UnknownName: no such entry; the message lists the nearest names, or all.
    """
    if name not in table:
        raise unknown_name(kind, name, table)
    return table[name]
