"""A table of names that loads what it names only when asked."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from anymdp_bench.foundation.errors import UnknownName, UnsupportedSetting

T = TypeVar("T")


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """Build the error for a name that is not in `known`, with the nearest spellings."""
    names = sorted(known)
    return UnknownName(f"Unknown {kind} {name!r}.{_hint(name, names)} Registered: {', '.join(names)}.")


def unknown_setting(owner: str, name: str, legal: Iterable[str]) -> UnsupportedSetting:
    """Build the error for a keyword that is not in `legal`, in the words of Python's own."""
    names = sorted(legal)
    return UnsupportedSetting(
        f"{owner} got an unexpected keyword argument {name!r}.{_hint(name, names)} Legal: {', '.join(names)}."
    )


def _hint(name: object, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(name), names, n=3)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def load_object(path: str) -> Any:
    """Import and return the object that ``"package.module:attribute"`` names.

    Raises:
        UnknownName: the text has no colon, or the module or the attribute does not exist.
    """
    module_name, colon, attribute = path.partition(":")
    if not (module_name and colon and attribute):
        raise UnknownName(f"{path!r} is not of the form 'package.module:attribute'.")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UnknownName(
            f"{path!r}: cannot import {module_name!r} ({error}). Install it, or check the spelling."
        ) from error
    if not hasattr(module, attribute):
        raise unknown_name(f"attribute of {module_name}", attribute, vars(module))
    return getattr(module, attribute)


def lookup(kind: str, table: Mapping[str, T], name: str) -> T:
    """Return ``table[name]``.

    Raises:
        UnknownName: no such entry; the message lists the nearest and all legal names.
    """
    if name not in table:
        raise unknown_name(kind, name, table)
    return table[name]
