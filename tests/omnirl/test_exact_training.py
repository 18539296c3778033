"""Training of exact-memory agents: lanes, grids, resume, checkpoints."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from anymdp_bench import BOARDS, InvalidConfig, TabularTask, load_bank  # noqa: E402
from anymdp_bench.foundation.digests import sealed  # noqa: E402
from omnirl_reference.cli.app import app  # noqa: E402
from omnirl_reference.exact import lanes as lane_module  # noqa: E402
from omnirl_reference.exact.checkpoint import load_network, save_network  # noqa: E402
from omnirl_reference.exact.config import ExactConfig, Pool, exact_config, exact_names, exact_values  # noqa: E402
from omnirl_reference.exact.families import DISCOUNT_TABLE, Family, solve  # noqa: E402
from omnirl_reference.exact.lanes import Lanes  # noqa: E402
from omnirl_reference.exact.lives import TAUGHT  # noqa: E402
from omnirl_reference.exact.network import ExactNetwork  # noqa: E402
from omnirl_reference.exact.trainer import ExactTrainer, lanes_of  # noqa: E402
from omnirl_reference.stream.grids import BOARD_SHAPES, grid_shapes, grid_world  # noqa: E402
from omnirl_reference.stream.worlds import World  # noqa: E402
from omnirl_reference.studies import exact_scaling  # noqa: E402

TINY = {
    "kind": "exact",
    "name": "tiny",
    "width": 8,
    "rounds": 2,
    "updates": 8,
    "warm_up": 2,
    "pools": [
        {"family": "anymdp", "n_states": 16, "n_actions": 3, "lanes": 3, "life": 60},
        {"family": "grid", "n_states": 20, "n_actions": 4, "lanes": 2, "life": 60},
        {"family": "bandit", "n_states": 1, "lanes": 2, "life": 60},
    ],
}
GRID_BANKS = ("frozenlake-v0", "frozenlake-slippery-v0", "cliffwalking-v0", "darkroom-6-v0", "darkroom-8-v0")
GRID_BANKS += ("darkroom-10-v0",)


def rows_of(start: np.ndarray, *columns: np.ndarray) -> list[list[tuple]]:
    """Outcomes of every row, numbers rounded to what tasks are stored in."""
    lists = zip(*(column.tolist() for column in columns), strict=True)
    outcomes = list(lists)
    return [outcomes[start[row] : start[row + 1]] for row in range(len(start) - 1)]


def signature(rows: list[list[tuple]], initial: np.ndarray, n_actions: int) -> tuple:
    """What no renaming of states or actions changes: colours of states, refined by where they lead.

    Rewards count in units of the largest one, as agents may scale them.
    """
    largest = max((abs(o[2]) for row in rows for o in row), default=1.0) or 1.0
    colours = [round(float(x) / 2**30, 6) for x in initial]
    for _ in range(6):
        colours = [
            hash(
                (
                    colours[s],
                    tuple(
                        sorted(
                            tuple(
                                sorted(
                                    (o[1] / 2**30, round(o[2] / largest, 5), colours[o[0]]) for o in rows[row]
                                )
                            )
                            for row in range(s * n_actions, (s + 1) * n_actions)
                        )
                    ),
                )
            )
            for s in range(len(colours))
        ]
    return len(colours), n_actions, tuple(sorted(colours))


def of_world(world: World, n_actions: int) -> tuple:
    rows = rows_of(world.outcomes.row_start, world.outcomes.successor, world.weight, world.mean)
    return signature(rows, world.initial_weight, n_actions)


def of_task(task: TabularTask) -> tuple:
    source = np.repeat(np.arange(len(task.row_start) - 1), np.diff(task.row_start))
    mean = task.reward_sa.ravel()[source] + task.reward_next[task.successor]
    rows = rows_of(task.row_start, task.successor, task.weight, mean)
    return signature(rows, task.initial_weight, task.n_actions)


def test_signature_does_not_see_names() -> None:
    world = grid_world(np.uint64(3), grid_shapes(20), 4)
    n = len(world.terminal)
    rng = np.random.default_rng(0)
    ids, moves = rng.permutation(n), rng.permutation(4)
    rows = rows_of(world.outcomes.row_start, world.outcomes.successor, world.weight, world.mean)
    renamed: list[list[tuple]] = [[] for _ in rows]
    initial = np.zeros(n, np.int64)
    for s in range(n):
        initial[ids[s]] = world.initial_weight[s]
        for a in range(4):
            renamed[ids[s] * 4 + moves[a]] = [(ids[o[0]], o[1], o[2]) for o in rows[s * 4 + a]]
    assert signature(renamed, initial, 4) == signature(rows, world.initial_weight, 4)
    rows[0] = [(o[0], o[1], o[2] + 0.5) for o in rows[0]]
    assert signature(renamed, initial, 4) != signature(rows, world.initial_weight, 4)


def test_no_grid_to_train_on_is_a_board_task() -> None:
    pools = [pool for name in exact_names() for pool in exact_config(exact_values(name) or {}).pools]
    sizes = {(pool.n_states, pool.n_actions) for pool in pools if pool.family == "grid"}
    assert sizes
    trained = {
        of_world(grid_world(np.uint64(key), grid_shapes(cells), n_actions), n_actions)
        for cells, n_actions in sizes
        for key in range(150)
    }
    boards = {
        of_task(task)
        for bank in GRID_BANKS
        for split in ("test", "validation")
        for task in load_bank(bank).split(split)
    }
    assert len(trained) > 400
    assert not trained & boards


def test_no_grid_to_train_on_has_the_shape_of_a_boards() -> None:
    for cells in range(12, 145):
        shapes = {tuple(shape) for shape in grid_shapes(cells).tolist()}
        assert not shapes & set(BOARD_SHAPES)
        assert all(cells // 2 <= h * w <= cells for h, w in shapes)
    names = {board.bank for board in BOARDS.values()}
    assert set(GRID_BANKS) <= names


@pytest.mark.parametrize("n_actions", [4, 5])
def test_grids_can_be_solved(n_actions: int) -> None:
    for key in range(60):
        world = grid_world(np.uint64(key), grid_shapes(40), n_actions)
        assert world.initial_weight.sum() == 2**30
        widths = np.add.reduceat(
            world.weight, world.outcomes.row_start[:-1][np.diff(world.outcomes.row_start) > 0]
        )
        assert (widths == 2**30).all()
        solution = solve(world, n_actions, 0.25)
        start = world.initial_weight.argmax()
        assert not world.terminal[start]
        assert solution.q[~world.terminal].max() > 0.0
        assert solution.oracle_actions.shape == (len(DISCOUNT_TABLE), len(world.terminal))


def test_lanes_count_what_they_live_and_go_on_after_a_copy() -> None:
    family = Family("anymdp", 16, 3)
    lanes = Lanes(family, 6, 200, 0.25, 5)
    for _ in range(60):
        lanes.tick()
    totals = lanes.statistic.visits.sum(axis=(1, 2))
    np.testing.assert_array_equal(totals, lanes.statistic.totals[:, 0])
    np.testing.assert_array_equal(
        totals, lanes.state.whole[:, lane_module.AGE] + lanes.state.whole[:, TAUGHT]
    )
    other = Lanes(family, 6, 200, 0.25, 99)
    other.restore({name: x.copy() for name, x in lanes.tensors().items()})
    for _ in range(60):
        lanes.tick()
        other.tick()
    for name, x in lanes.tensors().items():
        np.testing.assert_array_equal(other.tensors()[name], x, err_msg=name)
    np.testing.assert_array_equal(other.q, lanes.q)


def test_teachers_play_before_a_lane_does_and_their_tags_show() -> None:
    lanes = Lanes(Family("anymdp", 16, 3), 64, 400, 0.25, 0)
    taught = lanes.state.whole[:, TAUGHT] > 0
    assert 0.05 < taught.mean() < 0.5
    np.testing.assert_array_equal(lanes.statistic.totals[:, 0], lanes.state.whole[:, TAUGHT])
    shown = lanes.state.whole[:, lane_module.SHOWN] > 0
    by_oracle = lanes.statistic.tagged[..., :4].sum(axis=(1, 2, 3))
    assert (by_oracle[taught & shown & (lanes.state.real[:, 2] < 0.9)] > 0).all()
    assert (by_oracle[taught & ~shown] == 0).all()


def test_a_run_that_is_cut_equals_one_that_is_not(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    config = exact_config(TINY)
    ExactTrainer(config, whole).run()
    losses: list[dict[str, float]] = []
    for until in (3, 4, 8):
        ExactTrainer(config, cut).run(losses.append, until=until)
    first, second = (load_file(folder / "training.safetensors") for folder in (whole, cut))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first if name != "seconds")
    assert (whole / "weights.safetensors").read_bytes() == (cut / "weights.safetensors").read_bytes()
    assert [line["update"] for line in losses] == list(range(8))
    notes = json.loads((cut / "notes.json").read_text())
    assert notes["updates"] == 8
    assert exact_config(notes["config"]) == config


def test_a_run_goes_on_with_its_own_configuration_alone(tmp_path: Path) -> None:
    config = exact_config(TINY)
    ExactTrainer(config, tmp_path).run(until=1)
    with pytest.raises(InvalidConfig, match=r"another configuration \(other rounds, seed\)"):
        ExactTrainer(dataclasses.replace(config, rounds=3, seed=1), tmp_path)
    (tmp_path / "training.safetensors").unlink()
    with pytest.raises(InvalidConfig, match="cannot go on"):
        ExactTrainer(config, tmp_path)


def test_a_run_begins_with_another_checkpoint(tmp_path: Path) -> None:
    config = exact_config(TINY)
    ExactTrainer(config, tmp_path / "first").run(until=2)
    second = ExactTrainer(dataclasses.replace(config, start=str(tmp_path / "first")), tmp_path / "second")
    begun = load_network(tmp_path / "first")[0].state_dict()
    assert all(torch.equal(x, begun[name]) for name, x in second.network.state_dict().items())


def test_checkpoints_come_back_as_they_were(tmp_path: Path) -> None:
    network = ExactNetwork(8, 3)
    save_network(network, tmp_path, {"name": "x"})
    again, notes = load_network(tmp_path)
    assert again.rounds == 3
    assert notes["name"] == "x"
    assert all(torch.equal(x, network.state_dict()[name]) for name, x in again.state_dict().items())


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "sequence"},
        {"width": "8"},
        {"width": 10**9},
        {"width": 16},
        {"rounds": 0},
        {"rounds": 10**6},
        {"rounds": None},
    ],
)
def test_notes_that_do_not_fit_are_refused(tmp_path: Path, changes: dict) -> None:
    save_network(ExactNetwork(8, 2), tmp_path, {})
    path = tmp_path / "notes.json"
    path.write_text(json.dumps(sealed({**json.loads(path.read_text()), **changes})))
    with pytest.raises(InvalidConfig, match="not a checkpoint") as caught:
        load_network(tmp_path)
    assert "SHA-256" not in str(caught.value)


def test_edited_notes_are_refused(tmp_path: Path) -> None:
    save_network(ExactNetwork(8, 2), tmp_path, {"acting": {"kappa": 0.03}})
    path = tmp_path / "notes.json"
    path.write_text(path.read_text().replace("0.03", "0.04"))
    with pytest.raises(
        InvalidConfig, match=r"not a checkpoint \(notes.json: its content does not have the SHA"
    ):
        load_network(tmp_path)


def test_notes_without_a_digest_are_those_of_older_runs(tmp_path: Path) -> None:
    config = exact_config(TINY)
    ExactTrainer(config, tmp_path).run(until=1)
    path = tmp_path / "notes.json"
    path.write_text(json.dumps({k: x for k, x in json.loads(path.read_text()).items() if k != "sha256"}))
    assert load_network(tmp_path)[1]["updates"] == 1
    ExactTrainer(config, tmp_path).run(until=2)
    assert "sha256" in json.loads(path.read_text()) and load_network(tmp_path)[1]["updates"] == 2
    path.write_text(json.dumps({k: x for k, x in json.loads(path.read_text()).items() if k != "sha256"}))
    (tmp_path / "training.safetensors").unlink()
    with pytest.raises(InvalidConfig, match=r"notes.json does not name its own digest \('sha256'\)"):
        load_network(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "text", "missing", "extra", "nan", "gone"])
def test_damaged_weights_are_refused(tmp_path: Path, damage: str) -> None:
    save_network(ExactNetwork(8, 2), tmp_path, {})
    path = tmp_path / "weights.safetensors"
    weights = load_file(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif damage == "text":
        path.write_text("weights")
    elif damage == "gone":
        path.unlink()
    else:
        if damage == "missing":
            del weights["logit.bias"]
        elif damage == "extra":
            weights["further"] = torch.zeros(1)
        else:
            weights["logit.bias"][0] = float("nan")
        save_file(weights, path)
    with pytest.raises(InvalidConfig, match=r"not a checkpoint|not finite"):
        load_network(tmp_path)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"updates": 0}, "updates=0"),
        ({"rate": 1}, "rate"),
        ({"pools": []}, "pools"),
        ({"pools": [{"family": "chess"}]}, "family='chess'"),
        ({"pools": [{"family": "bandit"}]}, "n_states=16"),
        ({"pools": [{"n_states": 4}]}, "n_states=4"),
        ({"pools": [{"family": "grid", "n_actions": 3}]}, "n_actions=3"),
        ({"pools": 3}, "fields of ExactConfig"),
        ({"average": 1.5}, "average=1.5"),
    ],
)
def test_illegal_configurations_are_refused(values: dict, text: str) -> None:
    with pytest.raises(InvalidConfig, match=text):
        exact_config({"name": "x", **values})


def test_shipped_configurations_are_legal() -> None:
    assert {"omnirl-any", "omnirl-any-anymdp", "omnirl-any-garnet"} <= set(exact_names())
    for name in exact_names():
        config = exact_config(exact_values(name) or {})
        assert isinstance(config, ExactConfig)
        assert config.name == name
        assert all(isinstance(pool, Pool) for pool in config.pools)


def test_few_tasks_are_few_and_change_nothing_else(tmp_path: Path) -> None:
    pool = Pool(n_actions=3, lanes=6, life=20)
    config = ExactConfig(name="few", width=8, rounds=1, updates=30, pools=(pool,))
    few = dataclasses.replace(config, pools=(dataclasses.replace(pool, n_tasks=2),))
    met: dict[str, set[int]] = {}
    for name, each in (("endless", config), ("few", few)):
        trainer = ExactTrainer(each, tmp_path / name)
        met[name] = set()
        trainer.run(lambda _, t=trainer, n=name: met[n].update(t.lanes[0].state.keys.tolist()))
    assert len(met["few"]) == 2 and len(met["endless"]) > 6
    first, second = (lanes_of(each, 0, 5).state for each in (config, few))
    np.testing.assert_array_equal(first.whole[:, TAUGHT] > 0, second.whole[:, TAUGHT] > 0)
    again = lanes_of(few, 0, 6).state.keys.tolist()
    assert set(again) <= met["few"]


def test_the_study_measures_seen_and_unseen_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_scaling, "TICKS", 3)
    (tmp_path / "tiny.json").write_text(json.dumps(TINY | {"pools": TINY["pools"][:1], "updates": 3}))
    command = [
        "study",
        "exact-scaling",
        "--config",
        str(tmp_path / "tiny.json"),
        "--out",
        str(tmp_path / "o"),
    ]
    command += ["--tasks", "2", "--tasks", "0"]
    stopped = CliRunner().invoke(app, [*command, "--minutes", "0"])
    assert stopped.exit_code == 0 and "not all runs are done" in stopped.output
    answer = CliRunner().invoke(app, command)
    assert answer.exit_code == 0 and "endless" in answer.output and "not all" not in answer.output
    found = json.loads((tmp_path / "o" / "2" / "measured.json").read_text())
    assert found["seen"] > 0 and found["unseen"] > 0 and found["seen"] != found["unseen"]
    document = tmp_path / "docs" / "studies.md"
    document.parent.mkdir()
    document.write_text("<!-- begin exact-scaling (it) -->\n<!-- end exact-scaling -->\n")
    assert CliRunner().invoke(app, [*command, "--document", str(document)]).exit_code == 0
    assert (document.parent / "figures" / "exact-scaling.svg").exists()
    assert "figures/exact-scaling.svg" in document.read_text()
