"""An entry's numbers as a script file: pages opened from a disk may load scripts, but not fetch data."""

from __future__ import annotations

import json
import math
from typing import Any

from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.site.names import plain_name
from anymdp_bench.leaderboard.standings.entry import Entry

DIGITS = 4
"""Significant digits of a plotted number."""


def curve_key(entry: Entry) -> str:
    """Path of an entry's file under ``data/``, without ``.js``; the name under which the page knows it."""
    return f"{entry.board}/{entry.name}"


def curve_script(entry: Entry) -> str:
    """Script that hands an entry's curve to the page."""
    curve, references = entry.curve, entry.metadata.references
    values = {
        "title": entry.metadata.title,
        "board": entry.board,
        "plain": plain_name(entry.board).full,
        "scored": bool(entry.scores),
        "episodes": curve.episodes.tolist(),
        "steps": rounded(curve.steps),
        "mean": rounded(curve.mean),
        "low": rounded(curve.low),
        "high": rounded(curve.high),
        "kept": curve.task_points.tolist(),
        "tasks": [rounded(task) for task in curve.tasks],
        "late": rounded(entry.late),
        "references": {
            name: [_short(math.nan if value is None else value) for value in getattr(references, name)]
            for name in ("random", "oracle", "optimal")
        },
    }
    return f"learningCurve({script_text(curve_key(entry))}, {script_text(values)});\n"


def script_text(values: Any) -> str:
    """JSON in ASCII that means the same in a script, and cannot end one."""
    text = json.dumps(values, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def rounded(values: FloatArray) -> list[float | None]:
    """Numbers as they are plotted; None where there is none."""
    return [_short(value) for value in values.tolist()]


def _short(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
