"""Freeze the sequences of boards, or check what is frozen.

``python -m anymdp_bench.evaluation.sequence.freeze`` checks all; with names it freezes those.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anymdp_bench.evaluation.sequence.boards import SEQUENCE_BOARDS, get_sequence_board
from anymdp_bench.evaluation.sequence.record import FROZEN, load_sequences, record_sequences
from anymdp_bench.foundation.errors import BenchError, FingerprintMismatch
from anymdp_bench.foundation.files import replacing

PATH = Path(__file__).with_name(FROZEN)


def freeze(name: str) -> None:
    """Write the fingerprints of a board's sequences.

    Raises:
        FingerprintMismatch: the board is frozen already, and differently: a change needs a new version.
    """
    found = record_sequences(get_sequence_board(name)).fingerprints()
    table: dict[str, Any] = json.loads(PATH.read_text()) if PATH.exists() else {}
    if table.get(name, found) != found:
        raise FingerprintMismatch(f"{name} is frozen with other sequences; give the board a new version.")
    with replacing(PATH) as file:
        file.write((json.dumps(table | {name: found}, indent=0, sort_keys=True) + "\n").encode())


def main(names: Sequence[str]) -> int:
    """Freeze `names`, or check every board if none is given; return the exit status."""
    try:
        for name in names or SEQUENCE_BOARDS:
            if names:
                freeze(name)
            else:
                load_sequences(SEQUENCE_BOARDS[name])
            sys.stdout.write(f"{name}\n")
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
