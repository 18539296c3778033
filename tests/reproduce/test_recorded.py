"""The table of agents after recorded episodes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from anymdp_bench.cli import app as cli
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.reproduce.recorded import recorded_frame, recorded_text

ROOT = Path(__file__).parents[2] / "leaderboards"
BOARD = "cliffwalking-offline-uniform-v0"


def test_scores_are_those_of_the_entries_curves() -> None:
    frame = recorded_frame(ROOT, ["cql", "uniform"]).set_index(["board", "agent"])
    for agent, learner in (("cql", True), ("uniform", False)):
        folder = ROOT / "submissions" / BOARD / agent
        known = json.loads((folder / "submission.json").read_text("utf-8"))["references"]
        points = pd.read_parquet(folder / "points.parquet")
        low, high = known["random"][0], known["oracle"][0]
        scores = (points["return"] - low) / (high - low)
        line = frame.loc[(BOARD, agent)]
        assert line["learner"] == learner
        lived = pd.read_parquet(folder / "lived.parquet") if learner else points
        begin = lived["return"][lived["episodes"] <= 20].mean()
        assert line["first"] == pytest.approx((begin - low) / (high - low))
        assert line["last"] == pytest.approx(scores[points["episodes"] == 200].mean())
        near = points["episodes"] == 20 if learner else points["episodes"].isin([20, 30])
        assert line["after"] == pytest.approx(scores[near].mean())
        assert line["first_low"] < line["first"] < line["first_high"]


def test_the_table_has_a_line_for_each_board_and_says_who_has_no_entry() -> None:
    frame = recorded_frame(ROOT, ["cql", "nobody"])
    text = recorded_text(frame)
    assert "nobody" not in text
    assert " cql * |" in text
    other = frame[frame["board"] == BOARD].assign(agent="other")
    missing = re.findall(r"\| +- \|", recorded_text(pd.concat([frame, other])))
    assert len(missing) == frame["board"].nunique() - 1


def test_the_command_writes_the_table_and_refuses_a_folder_without_entries(tmp_path: Path) -> None:
    text = f"reproduce recorded --agents cql --root {ROOT} --out {tmp_path / 'out'}"
    assert cli.app(text.split(), standalone_mode=False) in (None, 0)
    assert "cliffwalking-v0" in (tmp_path / "out" / "recorded.md").read_text("utf-8")
    with pytest.raises(InvalidConfig, match="no entry of cql"):
        cli.app(f"reproduce recorded --agents cql --root {tmp_path}".split(), standalone_mode=False)
