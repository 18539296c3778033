"""Markdown: tables, and generated parts of a document that people write."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.files import replacing


def lines_of(frame: pd.DataFrame) -> list[Mapping[str, Any]]:
    """Rows of a frame by column name, values of mixed types."""
    names = [str(name) for name in frame.columns]
    return [dict(zip(names, values, strict=True)) for values in frame.to_numpy(object)]


def pipe_table(headers: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> str:
    """Markdown table, padded so that it can be read as it stands.

    Args:
        headers: Header and alignment (``"---"`` left, ``"---:"`` right) of each column.
        rows: Texts of each row.
    """
    lines = [[header for header, _ in headers], [rule for _, rule in headers], *rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(headers))]
    texts = []
    for number, line in enumerate(lines):
        cells = []
        for text, width, (_, rule) in zip(line, widths, headers, strict=True):
            right = rule.endswith(":")
            filled = f"{'-' * (width - right)}{':' * right}" if number == 1 else text
            cells.append(filled.rjust(width) if right else filled.ljust(width))
        texts.append(f"| {' | '.join(cells)} |")
    return "\n".join(texts)


def replace_part(path: Path, name: str, text: str) -> None:
    """Replace what stands between the comments ``begin <name>`` and ``end <name>`` of a document.

    Raises:
        InvalidConfig: the document has no such part.
    """
    content = path.read_text(encoding="utf-8")
    pattern = rf"(<!-- begin {re.escape(name)}\b[^>]*-->\n).*?(<!-- end {re.escape(name)} -->)"
    changed, count = re.subn(
        pattern, lambda found: f"{found[1]}\n{text.strip()}\n\n{found[2]}", content, flags=re.DOTALL
    )
    if count != 1:
        raise InvalidConfig(
            f"{path} has {count} parts {name!r}: mark one by <!-- begin {name} --> and <!-- end {name} -->."
        )
    with replacing(path) as file:
        file.write(changed.encode())
