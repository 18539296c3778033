"""Where compiled code is kept: numba's cache, made safe against folders and files that cannot be used."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

from anymdp_bench.foundation.compiling.notice import tell

VARIABLE = "NUMBA_CACHE_DIR"
SEAL_SIZE = hashlib.sha256().digest_size


class SealedFiles(IndexDataCacheFile):
    """Numba's files for one function, each with the SHA-256 of its content at its end.

    A changed bit of compiled code would otherwise end the process inside the compiler, or be run.
    """

    @contextlib.contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[io.BytesIO]:
        with super()._open_for_write(filepath) as file:
            content = io.BytesIO()
            yield content
            file.write(content.getvalue() + hashlib.sha256(content.getvalue()).digest())

    def _load_index(self) -> Any:
        if Path(self._index_path).exists():
            _check_seal(Path(self._index_path))
        return super()._load_index()

    def _load_data(self, name: str) -> Any:
        _check_seal(Path(self._data_path(name)))
        return super()._load_data(name)


def _check_seal(path: Path) -> None:
    """Raise ValueError unless a file ends with the SHA-256 of what comes before."""
    content = path.read_bytes()
    if hashlib.sha256(content[:-SEAL_SIZE]).digest() != content[-SEAL_SIZE:]:
        raise ValueError(f"{path} is damaged")


class KernelCache(FunctionCache):
    """Compiled code of one function, on disk; what cannot be read, or is damaged, is compiled again."""

    def __init__(self, function: Any) -> None:
        """Find a folder that can be written.

        Raises:
            RuntimeError: there is none.
        """
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = SealedFiles(self._cache_path, self._impl.filename_base, stamp)
        self._loaded: dict[Any, Any] = {}

    def holds(self, signature: Any, target: Any) -> bool:
        """Tell whether there is code for a signature; the next `load_overload` returns it."""
        found = self.load_overload(signature, target)
        if found is not None:
            self._loaded[signature] = found
        return found is not None

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return the code of a signature; None if there is none, or if its file is damaged."""
        if signature in self._loaded:
            return self._loaded.pop(signature)
        try:
            return super().load_overload(signature, target)
        except Exception:  # a damaged file may raise anything
            return None

    def save_overload(self, signature: Any, code: Any) -> None:
        """Keep code; go on without where the folder is full, gone or cannot be written."""
        try:
            self._save_afresh(signature, code)
        except OSError as error:
            _tell_unsaved(self.cache_path, str(error.strerror or error))

    def _save_afresh(self, signature: Any, code: Any) -> None:
        try:
            super().save_overload(signature, code)
        except OSError:
            raise
        except Exception:  # a damaged index may raise anything
            self.flush()
            super().save_overload(signature, code)


def cache_of(function: Any) -> KernelCache | None:
    """Return the cache of a function; None where no folder can be written, or the function is in no file."""
    try:
        return KernelCache(function)
    except RuntimeError:
        if not Path(function.__code__.co_filename).exists():
            return None
        _move_to_temporary_folder()
    try:
        return KernelCache(function)
    except RuntimeError:
        return None


@functools.cache
def _move_to_temporary_folder() -> None:
    """Let numba keep all compiled code of this process in a folder below the temporary one."""
    remedy = f"set {VARIABLE} to a folder that can be written"
    try:
        folder = _temporary_folder()
    except OSError as error:
        tell(f"compiled code cannot be kept anywhere ({error.strerror}): {remedy}.")
        return
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    tell(f"compiled code is kept in {folder}, for no other place can be written; to move it, {remedy}.")


def _temporary_folder() -> Path:
    """A folder that later processes find again; code is loaded from it, so it must be nobody else's."""
    shared = Path(tempfile.gettempdir()) / f"anymdp-bench-{os.getuid()}"
    shared.mkdir(mode=0o700, exist_ok=True)
    state = shared.lstat()
    ours = stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o022
    return shared if ours else Path(tempfile.mkdtemp(prefix="anymdp-bench-"))


@functools.cache
def _tell_unsaved(folder: str, reason: str) -> None:
    tell(f"compiled code cannot be kept in {folder} ({reason}): set {VARIABLE} to a folder with room.")
