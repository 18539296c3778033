"""The paper's table from one command: compact results, the table, the comparisons, what is committed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from anymdp_bench import evaluate
from anymdp_bench.agents.registry import make_agent
from anymdp_bench.banks import load_bank
from anymdp_bench.banks.sampled import is_scorable
from anymdp_bench.cli import app as cli
from anymdp_bench.evaluation.boards import BOARDS, Board, get_board
from anymdp_bench.evaluation.paper import environments
from anymdp_bench.evaluation.result import Result
from anymdp_bench.foundation.errors import InvalidConfig, RecordsError
from anymdp_bench.reproduce import difficulty, efficiency, laws
from anymdp_bench.reproduce.compact import Compact, load_compact, save_compact
from anymdp_bench.reproduce.document import pipe_table, replace_part
from anymdp_bench.reproduce.figures import COLORS, add_legend, new_figure
from anymdp_bench.reproduce.runs import RESULTS, Cell, Places, find, play
from anymdp_bench.reproduce.table import (
    CANNOT_PLAY,
    NOT_RUN,
    can_play,
    command_of,
    paper_cells,
    paper_frame,
    raw_returns,
)
from anymdp_bench.reproduce.table_text import PERFORMANCE, STEPS, comparison, glance, markdown
from anymdp_bench.worlds.pendulum.references import references
from anymdp_bench.worlds.pendulum.task import PendulumTask
from tests.support.scripted import Scripted, TabledLearner, corridor

BOARD = Board(name="test", bank="none", context_episodes=40, train_episodes=40, test_every=10, shard_size=1)
TASKS = [corridor(noise=1.0, horizon=h) for h in (3, 4, 5)]


def finished(agent: object = None) -> Result:
    return evaluate(agent or Scripted(), BOARD, tasks=TASKS)


def made_up(bank: str, **scores: float) -> Compact:
    """A result of a paper's row with the given scores and nothing behind them."""
    board = get_board(bank)
    known = load_bank(bank).references("test", 1)[0]
    manifest = finished().manifest
    fields = {name: [getattr(known, name)] for name in ("random", "oracle", "optimal")}
    single = dataclasses.replace(manifest, board=board, references=fields, fingerprints=["x"])
    names = ("performance", "steps_to_99", "episodes_to_99", "asymptotic")
    both = [f"performance_{end}" for end in ("low", "high")]
    return Compact(single, dict.fromkeys([*names, *both], math.nan) | scores, 1.0, Path("none.json"))


# compact results


@pytest.mark.parametrize("agent", [Scripted(), TabledLearner()], ids=["in-context", "learner"])
def test_compact_results_keep_every_score_and_the_curve(agent: object, tmp_path: Path) -> None:
    result = finished(agent)
    saved = save_compact(result, tmp_path)
    read = load_compact(tmp_path / "test" / f"{result.manifest.agent.name}.json")
    assert read.manifest == result.manifest == saved.manifest
    expected = result.scores().iloc[0]
    for name, value in read.scores.items():
        assert value == expected[name] or (math.isnan(value) and math.isnan(expected[name]))
    assert read.scores.keys() | {"agent", "board", "track", "tasks", "runs"} == set(expected.index)
    curve = read.curve()
    whole = result.curve()
    for name in ("task", "run", "steps", "episodes"):
        assert curve[name].tolist() == whole[name].tolist()
    np.testing.assert_allclose(curve["score"], whole["score"], rtol=1e-6)
    assert ("lived" in curve) == result.manifest.agent.learner


def test_lived_returns_are_averaged_between_points(tmp_path: Path) -> None:
    result = finished(TabledLearner())
    curve = save_compact(result, tmp_path).curve()
    random, oracle, _ = result.record.references
    scores = (result.record.lived.scores - random[:, None]) / (oracle - random)[:, None]
    np.testing.assert_allclose(curve["lived"], scores.reshape(3, 4, 10).mean(axis=2).ravel(), rtol=1e-5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"damaged \(JSONDecodeError"),
        ('{"version": 9}', r"version 9; 1 is read. Upgrade"),
        ('{"version": 1}', r"damaged \(KeyError: 'scores'\). Run with --fresh"),
    ],
)
def test_damaged_compact_results_are_told(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(RecordsError, match=message):
        load_compact(path)


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_a_changed_compact_result_is_told(suffix: str, tmp_path: Path) -> None:
    saved = save_compact(finished(), tmp_path)
    path = saved.path.with_suffix(suffix)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"asymptotic": 1', b'"asymptotic": 2').replace(b"PAR1", b"PAR2", 1))
    assert path.read_bytes() != content
    with pytest.raises(RecordsError, match=rf"{suffix}: (damaged|cannot be read).* --fresh"):
        load_compact(saved.path).curve()


def test_a_missing_curve_is_told(tmp_path: Path) -> None:
    saved = save_compact(finished(), tmp_path)
    saved.path.with_suffix(".parquet").unlink()
    with pytest.raises(RecordsError, match=r"parquet: cannot be read .* --fresh"):
        saved.curve()


# what is kept and what is run


def test_only_a_result_of_the_same_specification_is_found(tmp_path: Path) -> None:
    places = Places(tmp_path / "kept", tmp_path / "records")
    small = dataclasses.replace(get_board("darkroom-6-goals-v0"), n_tasks=2, context_episodes=50)
    cell = Cell("uniform", small, small.bank)
    assert find(cell, places) is None
    kept = play(cell, places)
    found = find(cell, places)
    assert found is not None and found.manifest == kept.manifest and found.n_tasks == 2
    assert find(dataclasses.replace(cell, agent="oracle"), places) is None
    other = dataclasses.replace(cell, board=dataclasses.replace(small, context_episodes=60))
    assert find(other, places) is None
    more = dataclasses.replace(cell, board=dataclasses.replace(small, n_tasks=3))
    assert find(more, places) is None
    assert find(dataclasses.replace(more, any_tasks=True), places) is not None


def test_a_run_goes_on_from_its_own_records(tmp_path: Path) -> None:
    places = Places(tmp_path / "kept", tmp_path / "records")
    board = dataclasses.replace(get_board("darkroom-6-v0"), n_tasks=len(TASKS), context_episodes=10)
    cell = Cell("uniform", board, board.bank, lambda: TASKS)
    first = play(cell, places)
    assert first.manifest.board.bank == "own tasks" and find(cell, places) is not None
    (points,) = (tmp_path / "records").rglob("points-0000.parquet")
    before = points.stat().st_mtime_ns
    again = play(cell, places)
    assert points.stat().st_mtime_ns == before
    assert again.scores["performance"] == first.scores["performance"]


# the table


def test_the_table_has_all_rows_of_the_paper() -> None:
    assert len(environments()) == 17 + 3  # and the pendulums with random starts
    cells = paper_cells(["q-ucb", "oracle"], 16)
    assert len(cells) == 20 + 14  # the oracle has nothing to solve on six pendulums
    tasks = {cell.bank: cell.board.n_tasks for cell in cells}
    assert tasks["anymdp-16x5-v0"] == 16 and tasks["frozenlake-v0"] == get_board("frozenlake-v0").n_tasks
    assert not any(cell.any_tasks for cell in cells)
    assert all(cell.board == BOARDS[cell.board.name] for cell in paper_cells(["q-ucb"]))
    assert not can_play("oracle", "pendulum-g1-v0") and can_play("oracle", "switch2-v0")
    assert not can_play("ppo", "switch2-v0") and can_play("ppo", "pendulum-g1-v0")
    played = {bank for bank in environments() if can_play("omnirl-16", bank)}
    sixteen = {
        "anymdp-1x5-v0",
        "anymdp-16x5-v0",
        "garnet-16x5b2-v0",
        "frozenlake-v0",
        "frozenlake-slippery-v0",
    }
    assert played == sixteen
    assert all(can_play("omnirl-128", bank) for bank in environments())


def test_texts_put_the_papers_figures_beside_ours() -> None:
    results = {
        ("frozenlake-v0", "q-ucb"): made_up(
            "frozenlake-v0", performance=0.953, steps_to_99=20_000, episodes_to_99=3_000, asymptotic=0.9
        ),
        ("cliffwalking-v0", "q-ucb"): made_up(
            "cliffwalking-v0", performance=0.97, steps_to_99=5_000, episodes_to_99=100, asymptotic=0.97
        ),
    }
    frame = paper_frame(results, ["q-ucb", "oracle"])
    assert len(frame) == 40
    status = frame.set_index(["agent", "board"])["status"]
    assert status["oracle", "pendulum-g1-online-v0"] == f"{CANNOT_PLAY}: needs tables to solve"
    assert status["q-ucb", "pendulum-g1-online-v0"] == NOT_RUN
    text = markdown(frame)
    assert glance(frame, PERFORMANCE) in text and glance(frame, STEPS) in text
    assert cells_of(text.partition("### q-ucb")[2], "FrozenLake (non-slippery)")[1:9] == [
        "10 runs",
        "95.3",
        "95.3",
        "20.0K",
        "23.6K",
        "3.00K",
        "3.70K",
        "90.0",
    ]
    assert "performance on 1 of 2 rows; no more steps to 99 % on 1 of 2. Below: CliffWalking." in text
    assert "`anymdp-bench run scripted --board frozenlake-online-v0`" in text
    assert comparison(frame[frame["agent"] == "oracle"]) == ""


def cells_of(text: str, environment: str) -> list[str]:
    """The first row of an environment."""
    found = next(line for line in text.splitlines() if line.startswith(f"| {environment} "))
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_the_glance_marks_what_is_at_or_above_the_paper() -> None:
    results = {
        ("frozenlake-v0", "q-ucb"): made_up("frozenlake-v0", performance=0.953, steps_to_99=23_600),
        ("cliffwalking-v0", "q-ucb"): made_up("cliffwalking-v0", performance=0.97, steps_to_99=3_101),
        ("cliffwalking-v0", "oim"): made_up("cliffwalking-v0", performance=1.0),
        ("cliffwalking-v0", "uniform"): made_up("cliffwalking-v0", performance=0.0),
    }
    frame = paper_frame(results, ["q-ucb", "oim", "uniform"])
    text = glance(frame, PERFORMANCE)
    methods = ["TQL-UCB", "PPO", "OmniRL (AnyMDP)", "OmniRL (Garnet)"]
    assert cells_of(text, "environment") == ["environment", "q-ucb", "oim", *(f"paper: {m}" for m in methods)]
    assert cells_of(text, "FrozenLake (non-slippery)")[1:5] == ["**95.3**", "-", "95.3", "96.8"]
    assert cells_of(text, "CliffWalking")[1:5] == ["97.0", "100.0", "100.0", "95.9"]
    assert cells_of(text, "AnyMDP(16x5)")[1:3] == ["-", "-"]
    steps = glance(frame, STEPS)
    assert cells_of(steps, "FrozenLake (non-slippery)")[1:5] == ["**23.6K**", "-", "23.6K", "18.2K"]
    assert cells_of(steps, "CliffWalking")[1] == "3.10K"


def test_a_table_of_which_nothing_was_run_is_written() -> None:
    text = markdown(paper_frame({}, ["psrl"]))
    assert cells_of(text, "CliffWalking")[1:3] == ["-", "100.0"]
    assert NOT_RUN in text.partition("### psrl")[2]


def test_raw_returns_of_rows_with_one_task() -> None:
    lake = load_bank("frozenlake-slippery-v0").references("test")[0]
    raw = raw_returns(made_up("frozenlake-slippery-v0", performance=0.5))
    assert raw["raw_return"] == pytest.approx((lake.random + lake.oracle) / 2)
    assert raw["share_of_optimum"] == pytest.approx(
        (lake.oracle - lake.random) / 2 / (lake.optimal - lake.random)
    )
    assert "public_code_score" not in raw
    swing = references(PendulumTask(g=5.0))
    raw = raw_returns(made_up("pendulum-g5-v0", performance=1.0))
    assert raw["raw_return"] == pytest.approx(swing.oracle)
    assert raw["public_code_score"] == pytest.approx((swing.oracle - swing.random) / (-200 - swing.random))


def test_commands_name_the_number_of_tasks_only_where_it_is_not_the_boards() -> None:
    whole = made_up("anymdp-16x5-v0")
    assert command_of(whole) == "anymdp-bench run scripted --board anymdp-16x5-online-v0"
    few = dataclasses.replace(whole.manifest, board=dataclasses.replace(whole.manifest.board, n_tasks=16))
    assert command_of(dataclasses.replace(whole, manifest=few)).endswith("-online-v0 --tasks 16")


def test_pipe_tables_are_aligned() -> None:
    assert pipe_table([("a", "---"), ("long", "---:")], [["wide text", "1"]]).splitlines() == [
        "| a         | long |",
        "| --------- | ---: |",
        "| wide text |    1 |",
    ]


def test_only_the_generated_part_of_a_document_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "results.md"
    path.write_text("above\n<!-- begin e6 (by hand: no) -->\nold\n<!-- end e6 -->\nbelow\n")
    for _ in range(2):
        replace_part(path, "e6", "new \\1\n")
        assert path.read_text() == (
            "above\n<!-- begin e6 (by hand: no) -->\n\nnew \\1\n\n<!-- end e6 -->\nbelow\n"
        )
    with pytest.raises(InvalidConfig, match=r"has 0 parts 'e7': mark one by <!-- begin e7 -->"):
        replace_part(path, "e7", "new")


# the command


def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["anymdp-bench", "reproduce", *words])
    try:
        cli.main()
    except SystemExit as stop:
        assert not stop.code, capsys.readouterr().err
    return capsys.readouterr().out


def test_a_legend_covers_no_curve_and_says_what_dotted_lines_are() -> None:
    figure, panels = new_figure(3, columns=2)
    for axes, names in zip(panels, ("ab", "bc", "a"), strict=True):
        for name in names:
            axes.plot([1, 2], [0, 1], label=name)
        axes.legend()
    add_legend(figure, panels, "dotted: lived")
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c", "dotted: lived"]
    assert legend.get_window_extent().y1 <= min(axes.get_window_extent().y0 for axes in panels)
    assert all(axes.get_legend() is None for axes in panels)


def test_the_command_runs_what_is_missing_and_then_prints(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    words = "paper-table", "--agents", "oracle,uniform", "--results", "kept", "--jobs", "1"
    text = command(capsys, monkeypatch, *words, "--only", "darkroom-6-v0")
    assert "cannot play" in text and "not run" in text
    assert "`anymdp-bench run oracle --board darkroom-6-online-v0`" in text
    out = tmp_path / "runs" / "reproduce"
    assert (out / "paper-table.md").read_text() == text.removesuffix("\n")
    table = pd.read_csv(out / "paper-table.csv").set_index(["agent", "board"])
    assert table.loc[("oracle", "darkroom-6-online-v0"), "performance"] == pytest.approx(1, abs=0.05)
    figure = (out / "figures" / "darkroom-6-v0.svg").read_bytes()
    assert len(figure) < 200 << 10
    monkeypatch.setattr("anymdp_bench.reproduce.runs.play", None)
    assert command(capsys, monkeypatch, *words, "--only", "darkroom-6-v0") == text
    assert command(capsys, monkeypatch, *words, "--no-run", "--figures") == text
    rows = json.loads(command(capsys, monkeypatch, *words, "--no-run", "--json"))
    by_key = {(row["agent"], row["board"]): row for row in rows}
    shown = by_key[("oracle", "darkroom-6-online-v0")]["performance"]
    assert shown == pytest.approx(table.loc[("oracle", "darkroom-6-online-v0"), "performance"])
    assert (out / "paper-table.md").read_text() == text.removesuffix("\n")
    assert (out / "figures" / "darkroom-6-v0.svg").read_bytes() == figure


def test_an_unknown_agent_is_told_before_anything_is_run(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["anymdp-bench", "reproduce", "e6", "--agents", "uniform,orcale"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert "Unknown agent 'orcale'. Did you mean 'oracle'?" in capsys.readouterr().err


# harder than Garnet?


def test_comparisons_share_their_boards_with_the_table_and_draw_the_rest() -> None:
    cells = difficulty.difficulty_cells(["uniform"], 3)
    assert len(cells) == 8
    assert cells["uniform", 16, difficulty.ANYMDP].board.name == "anymdp-16x5-online-v0"
    names = {cell.board.name for cell in cells.values()}
    assert len(names) == 8
    for variant, family in ((difficulty.FLAT, "anymdp-flat"), (difficulty.GARNET_4, "garnet")):
        cell = cells["uniform", 16, variant]
        tasks = cell.make_tasks()
        assert [task.family for task in tasks] == [family] * 3
        assert all(is_scorable(references(task)) for task in tasks)
        assert [task.fingerprint() for task in cell.make_tasks()] == [task.fingerprint() for task in tasks]
    assert tasks[0].config["branching"] == 4


def scores_of(**means: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                **{"agent": "q-ucb", "states": 16, "variant": variant, "tasks": 64, "episodes": episodes},
                **{"score": mean, "score_low": mean - 0.02, "score_high": mean + 0.02},
            }
            for variant, mean in means.items()
            for episodes in difficulty.CHECKPOINTS
        ]
    )


@pytest.mark.parametrize(
    ("anymdp", "said"), [(0.4, "bear it out."), (0.88, "do not bear it out."), (0.95, "do not bear it out.")]
)
def test_the_verdict_follows_from_the_intervals(anymdp: float, said: str) -> None:
    means = {difficulty.ANYMDP: anymdp, difficulty.FLAT: 0.9, difficulty.GARNET_2: 0.9}
    frame = scores_of(**means)
    (text,) = difficulty.verdicts(frame)
    assert f"Ours, q-ucb, 16 states: {said}" in text
    assert "| q-ucb |     16 | AnyMDP " in difficulty.difficulty_text(frame)
    only_late = frame[(frame["episodes"] == 10_000) | (frame["variant"] != difficulty.ANYMDP)]
    if anymdp == 0.4:
        (late,) = difficulty.verdicts(only_late)
        assert (
            "bear it out in part. AnyMDP's interval lies below that of AnyMDP without CR after 10,000" in late
        )
        easier_garnet = frame["score_low"].where(frame["variant"] != difficulty.GARNET_2, 0.0)
        (mixed,) = difficulty.verdicts(frame.assign(score_low=easier_garnet))
        assert "in part. AnyMDP's interval lies below that of AnyMDP without CR at every checkpoint" in mixed
        assert "Garnet b=2 at no checkpoint." in mixed


# sorted laws


def test_laws_of_garnet_are_flatter_than_those_of_anymdp() -> None:
    tasks = laws.law_tasks(6)
    assert [len(listed) for listed in tasks.values()] == [6] * 4
    frame = laws.laws_frame(tasks)
    random = frame[frame["policy"] == "random"].set_index(["states", "family"])
    for size in laws.SIZES:
        assert random.loc[(size, "AnyMDP"), "fold"] > 5 * random.loc[(size, "Garnet b=2"), "fold"] > 5
        assert random.loc[(size, "AnyMDP"), "log_r2"] > 0.9
    text = laws.laws_text(frame)
    assert "Here, 16 states, random play: holds; the shares fall" in text
    swapped = frame.assign(family=frame["family"].map({"AnyMDP": "Garnet b=2", "Garnet b=2": "AnyMDP"}))
    assert "Here, 16 states, random play: does not hold" in laws.laws_text(swapped)


def test_an_exponential_law_is_a_line() -> None:
    assert laws._line_fit(np.log(0.5 ** np.arange(1, 20))) == pytest.approx(1)
    assert laws._line_fit(np.array([0.0, 1.0, 0.0, 1.0, 0.0])) == pytest.approx(0)


# sample efficiency


def rising_result(tmp_path: Path, bank: str = "anymdp-16x5-v0") -> Compact:
    """A learner that plays perfectly after 20 training steps, under the name of a row of the table."""
    saved = save_compact(finished(TabledLearner(slow=20)), tmp_path)
    manifest = dataclasses.replace(saved.manifest, board=get_board(bank))
    return dataclasses.replace(saved, manifest=manifest)


def test_steps_to_shares_of_the_oracle_are_those_of_the_score_columns(tmp_path: Path) -> None:
    found = rising_result(tmp_path)
    frame = efficiency.efficiency_frame({("anymdp-16x5-v0", "q-ucb"): found}, ["q-ucb", "omnirl-16"])
    assert len(frame) == 2 * len(efficiency.BANKS)
    line = frame.iloc[0]
    for share in (50, 80, 90, 95):
        assert line[f"steps_to_oracle_{share}"] == found.scores[f"steps_to_oracle_{share}"]
        assert line[f"steps_to_oracle_{share}_low"] <= line[f"steps_to_oracle_{share}"]
    text = efficiency.efficiency_text(frame)
    assert "not run" in text and "cannot play: needs at most 16 states" in text
    assert "at most" in next(row for row in text.splitlines() if "q-ucb *" in row and "16x5" in row)


def test_an_interval_is_open_where_resamples_never_reach_the_share() -> None:
    steps = np.tile([10.0, 20.0], (4, 1))
    half = efficiency.Curve(np.array([[0.0, 1.0]] * 2 + [[0.0, 0.0]] * 2), steps)
    assert efficiency.steps_to(half.scores, half.steps, 0.5) == (20.0, False)
    low, high = efficiency.steps_interval(half, 0.5)
    assert low == 20 and math.isnan(high)
    whole = efficiency.Curve(np.ones((4, 2)), steps)
    assert efficiency.steps_to(whole.scores, whole.steps, 0.95) == (10.0, True)
    assert efficiency.steps_interval(whole, 0.95) == (10.0, 10.0)


def test_the_command_draws_what_is_kept_and_says_what_is_missing(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    words = "sample-efficiency", "--no-run", "--agents", "uniform,oracle,nobody", "--results", "kept"
    places = Places(tmp_path / "kept", tmp_path / "records")
    play(Cell("uniform", get_board("frozenlake-slippery-v0"), "frozenlake-slippery-v0"), places)
    monkeypatch.setattr(sys, "argv", ["anymdp-bench", "reproduce", *words])
    with contextlib.suppress(SystemExit):
        cli.main()
    told = capsys.readouterr()
    assert "nobody: no such agent is installed, left out." in told.err
    assert "oracle: no result is kept, left out." in told.err
    assert "| FrozenLake (slippery)   | uniform" in told.out and "| oracle" not in told.out
    out = tmp_path / "runs" / "reproduce"
    assert "</svg>" in (out / "figures" / "sample-efficiency.svg").read_text()
    assert pd.read_csv(out / "sample-efficiency.csv")["status"].tolist().count("run") == 1


# what is committed


KEPT = sorted(RESULTS.glob("*/*.json"))


def test_committed_results_are_small_and_hang_together() -> None:
    size = sum(path.stat().st_size for path in RESULTS.rglob("*") if path.is_file())
    assert size < 20 << 20
    assert {path.with_suffix("") for path in KEPT} == {
        path.with_suffix("") for path in RESULTS.rglob("*.parquet")
    }


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_committed_results_are_of_the_boards_and_settings_of_today(path: Path) -> None:
    kept = load_compact(path)
    board = kept.manifest.board
    assert (board.name, kept.manifest.agent.name) == (path.parent.name, path.stem)
    if board.name in BOARDS:
        assert dataclasses.replace(board, n_tasks=BOARDS[board.name].n_tasks) == BOARDS[board.name]
        tasks = load_bank(board.bank).board_tasks(board.n_tasks)
        assert kept.manifest.fingerprints == [task.fingerprint() for task in tasks]
    if kept.manifest.agent.name == "q-ucb":
        bank = board.bank if board.name in BOARDS else board.name.removeprefix("difficulty-")
        family = "garnet-16x5b2-v0" if bank.startswith("garnet") else bank
        assert dict(make_agent("q-ucb", bank=family).info.config) == dict(kept.manifest.agent.config)
    curve = kept.curve()
    assert len(curve) == kept.n_tasks * board.runs * curve["episodes"].nunique()
    mean = curve.groupby("episodes")["score"].mean()
    assert mean.iloc[-max(1, len(mean) // 10) :].mean() == pytest.approx(kept.scores["asymptotic"], abs=2e-3)


@pytest.mark.skipif(not KEPT, reason="no results are committed")
def test_the_committed_table_prints_in_three_seconds(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    start = time.process_time()
    text = command(capsys, monkeypatch, "paper-table", "--agents", "q-ucb", "--no-run")
    assert time.process_time() - start < 3
    assert "### q-ucb" in text


def test_the_agents_of_a_row_have_colours_of_their_own() -> None:
    assert len(set(COLORS)) == len(COLORS) >= 14
