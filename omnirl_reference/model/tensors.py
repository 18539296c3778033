"""Safetensors files with a digest of their content, read only after their sizes have been checked.

References:
    Format: 8 bytes little-endian length of a JSON header, the header, the tensors' bytes
    (huggingface.co/docs/safetensors).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from anymdp_bench import InvalidConfig
from anymdp_bench.foundation.digests import SEAL, sha256
from anymdp_bench.foundation.files import write_bytes

PREFIX, METADATA = 8, "__metadata__"
LARGEST_HEADER = 1 << 24
"""Bytes; a tensor takes about a hundred."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Replace a file by tensors and their digest."""
    kept = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    content = save(kept)
    write_bytes(path, save(kept, metadata={SEAL: _digest(*split(content))}))


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and tensors' bytes of a file.

    Raises:
        ValueError: it is no safetensors file.
    """
    size = int.from_bytes(content[:PREFIX], "little")
    if not 0 < size <= min(LARGEST_HEADER, len(content) - PREFIX):
        raise ValueError(f"a header of {size} bytes")
    header = json.loads(content[PREFIX : PREFIX + size])
    if not isinstance(header, dict):
        raise ValueError("the header is no object")
    return header, content[PREFIX + size :]


def read_tensors(content: bytes) -> dict[str, Tensor]:
    """Tensors of a file that `write_tensors` wrote; one without a digest, of an older version, is read too.

    Raises:
        ValueError: the content is damaged.
    """
    header, data = split(content)
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or metadata.keys() - {SEAL}:
        raise ValueError("the header holds other metadata than a digest")
    if SEAL in metadata and metadata[SEAL] != _digest(header, data):
        raise ValueError("the tensors do not have the SHA-256 that the file names")
    try:
        return load(content)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def shapes_of(content: bytes) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor of a file, by name; nothing is allocated.

    Raises:
        ValueError: it is no safetensors file.
    """
    header, _ = split(content)
    try:
        return {name: tuple(item["shape"]) for name, item in header.items() if name != METADATA}
    except (TypeError, KeyError) as error:
        raise ValueError(f"the header does not give {error}") from error


def check_finite(where: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise InvalidConfig, naming the first, unless all numbers of all tensors are finite."""
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise InvalidConfig(f"{where}: weights {name!r} hold NaN or infinite numbers; train it again.")


def _digest(header: Mapping[str, Any], data: bytes) -> str:
    return sha256(json.dumps(header, sort_keys=True).encode() + data)
