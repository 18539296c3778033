"""Figures of learning curves: what is drawn over what, between which limits, beside which points."""

import json
from pathlib import Path

import numpy as np
import pytest

from anymdp_bench.evaluation.curves import plot_results
from anymdp_bench.evaluation.evaluate import evaluate
from anymdp_bench.evaluation.paper import published
from anymdp_bench.evaluation.plots import plot_curve
from anymdp_bench.evaluation.result import Result
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.scoring.intervals import mean_interval
from tests.cli.test_cli import command

pytest.importorskip("matplotlib")
BOARD = "darkroom-6-v0"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    evaluate("uniform", BOARD, runs=3, context_episodes=40, out=folder / "uniform").save(folder / "copy")
    return folder


@pytest.fixture(scope="module")
def result(runs: Path) -> Result:
    from anymdp_bench.evaluation.result import load_result

    return load_result(runs / "uniform")


def test_curves_by_steps_and_by_episodes_with_the_interval_of_the_mean(result: Result) -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    curve = result.curve()
    plot_curve(curve, label="us", ax=axes, by="episodes", band="interval")
    points = curve.groupby("episodes")
    np.testing.assert_allclose(axes.lines[0].get_xdata(), points["episodes"].mean())
    np.testing.assert_allclose(axes.lines[0].get_ydata(), points["score"].mean())
    first = next(iter(points))[1]
    limits = mean_interval(first["score"].to_numpy(), first["task"].to_numpy())
    outline = axes.collections[0].get_paths()[0].vertices
    left = outline[outline[:, 0] == outline[:, 0].min(), 1]
    assert (left.min(), left.max()) == pytest.approx(limits)
    with pytest.raises(InvalidConfig, match="by='days' is not legal: give one of 'steps', 'episodes'"):
        plot_curve(curve, label="us", ax=axes, by="days")
    with pytest.raises(InvalidConfig, match="band='wide' is not legal"):
        result.plot(axes, band="wide")


def test_the_papers_points_stand_beside_our_curves(result: Result) -> None:
    (axes,) = plot_results([result]).axes
    marks = {line.get_label(): line for line in axes.lines if str(line.get_label()).startswith("paper")}
    for method, figures in published()[BOARD].items():
        (x,), (y,) = marks[f"paper: {method}"].get_data()
        assert (x, y) == (figures.steps, figures.performance)


def test_commands_draw(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    curves, task = tmp_path / "curves.svg", tmp_path / "task.png"
    status, out, _ = command(capsys, monkeypatch, "plot", str(runs), "--by", "episodes", "--out", str(curves))
    assert status == 0 and curves.stat().st_size and f"Drawn in {curves}" in out
    words = ("show", "anymdp-16x5-v0", "--task", "3", "--out", str(task))
    status, out, _ = command(capsys, monkeypatch, *words)
    assert status == 0 and task.read_bytes().startswith(b"\x89PNG") and "test task 3" in out
    assert "55.46" in out, "the oracle's return"
    facts = json.loads(command(capsys, monkeypatch, *words, "--json")[1])
    assert facts["picture"] == str(task) and facts["family"] == "anymdp"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("anymdp-16x5-v0", "--task", "-1"), "task=-1 is not legal: give an integer in 0..255"),
        (("anymdp-16x5-v0", "--split", "tests"), "split='tests' is not legal"),
        (("pendulum-g5-v0",), "has no tables"),
        (("anymdp-16x5-v1",), "Did you mean"),
    ],
)
def test_show_says_what_is_wrong(
    words: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status, _, error = command(capsys, monkeypatch, "show", *words)
    assert status == 2 and message in error
