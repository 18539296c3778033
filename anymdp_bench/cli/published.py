"""Tables of comparisons: printed, written, and put into documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anymdp_bench.cli.output import print_table

if TYPE_CHECKING:
    import pandas as pd


class Where(NamedTuple):
    """Where a table goes.

    Attributes:
        folder: Its text is written here.
        document: Its part of this document is replaced.
        as_json: Whether its rows are printed in place of its text.
    """

    folder: Path
    document: Path | None
    as_json: bool


def publish(name: str, frame: pd.DataFrame, text: str, where: Where) -> None:
    """Print a table, write its text, and put that into the document."""
    from anymdp_bench.foundation.files import write_text
    from anymdp_bench.reproduce.document import replace_part

    print_table(frame, text, where.as_json)
    write_text(where.folder / f"{name}.md", text)
    if where.document is not None:
        replace_part(where.document, name, text)
