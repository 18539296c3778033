"""Two agents on the same fresh tasks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from anymdp_bench import evaluate
from anymdp_bench.cli import app as cli
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.reproduce import paired
from anymdp_bench.reproduce.paired import (
    Comparison,
    paired_frame,
    play_comparison,
    whole_curve,
    window_scores,
)

TINY = Comparison("anymdp-16x5-v0", 3, ((0, 2000),))


def test_episodes_that_lie_in_a_window_count_and_their_mean_is_clipped() -> None:
    curve = pd.DataFrame(
        {
            "task": [0, 0, 0, 0, 1, 1, 2],
            "steps": [10, 20, 30, 45, 25, 40, 50],
            "score": [9.0, 0.2, 0.4, 9.0, 9.0, -7.0, 9.0],
        }
    )
    assert window_scores(curve, (10, 40)).to_dict() == pytest.approx({0: 0.3, 1: -1.0})


def test_both_play_the_same_fresh_tasks_and_a_second_call_plays_nothing(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    found = play_comparison(
        TINY, ["oim", "uniform"], seed=5, out=tmp_path, on_agent=lambda *what: told.append(what)
    )
    assert told == [("oim", TINY.bank), ("uniform", TINY.bank)]
    prints = [[p for part in parts for p in part.manifest.fingerprints] for parts in found.values()]
    board = evaluate("uniform", TINY.bank, n_tasks=3, context_episodes=10).manifest.fingerprints
    assert prints[0] == prints[1]
    assert not set(prints[0]) & set(board)
    shards = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    frame = paired_frame([(TINY, found)])
    again = paired_frame([(TINY, play_comparison(TINY, ["oim", "uniform"], seed=5, out=tmp_path))])
    pd.testing.assert_frame_equal(frame, again)
    assert shards == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    line = frame.iloc[0]
    assert line["difference"] == pytest.approx(line["score"] - line["other_score"])
    assert line["low"] < line["difference"] < line["high"]


def test_lives_are_long_enough_for_the_windows(tmp_path: Path) -> None:
    whole = Comparison("anymdp-16x5-v0", 12, ((500, 1000), (2000, 5000)))
    found = play_comparison(whole, ["uniform"], seed=1, out=tmp_path)["uniform"]
    assert len(found) > 1
    lived = whole_curve(found).groupby("task")["steps"].max()
    assert len(lived) == 12
    assert (lived >= 5000).mean() > 0.9


def test_an_agent_has_no_lead_over_itself(tmp_path: Path) -> None:
    result = play_comparison(TINY, ["uniform"], seed=5, out=tmp_path)["uniform"]
    line = paired_frame([(TINY, {"uniform": result, "the same": result})]).iloc[0]
    assert (line["difference"], line["low"], line["high"]) == (0.0, 0.0, 0.0)


def test_hand_made_banks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="give one of sampled tasks"):
        play_comparison(Comparison("cliffwalking-v0", 2, ((0, 100),)), ["oim"], seed=0, out=tmp_path)


def test_the_command_writes_table_and_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired, "COMPARISONS", (TINY, Comparison("anymdp-32x5-v0", 3, ((0, 2000),))))
    text = f"reproduce paired --agents oim,uniform --jobs 1 --only {TINY.bank} --out {tmp_path}"
    assert cli.app(text.split(), standalone_mode=False) in (None, 0)
    frame = pd.read_csv(tmp_path / "paired.csv")
    assert list(frame["bank"]) == [TINY.bank]
    assert f"{100 * frame['difference'][0]:+.1f}" in (tmp_path / "paired.md").read_text("utf-8")
    assert (tmp_path / "records/paired/anymdp-16x5-v0-0/oim").is_dir()
