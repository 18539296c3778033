"""The exact-memory agent at play."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from anymdp_bench import (  # noqa: E402
    AgentError,
    InvalidConfig,
    batch_env,
    build_task,
    check_agent,
    child_seed,
    load_bank,
    record_context,
    sample_tasks,
)
from omnirl_reference import factories  # noqa: E402
from omnirl_reference.cli import app as cli  # noqa: E402
from omnirl_reference.exact.acting import Acting, acting  # noqa: E402
from omnirl_reference.exact.agent import ExactAgent  # noqa: E402
from omnirl_reference.exact.checkpoint import load_network, save_network  # noqa: E402
from omnirl_reference.exact.network import ExactNetwork  # noqa: E402
from omnirl_reference.exact.play import is_probe  # noqa: E402
from omnirl_reference.exact.search import search  # noqa: E402
from omnirl_reference.model.shipped import CHECKPOINTS  # noqa: E402
from omnirl_reference.playing.validation import Plan  # noqa: E402

SEED = 3


def agent(**options: Any) -> ExactAgent:
    torch.manual_seed(0)
    return ExactAgent(ExactNetwork(8, 2).eval(), "exact", Acting(**options))


def play(player: Any, tasks: list, steps: int, active: np.ndarray | None = None, context: Any = None) -> list:
    """Steps of every row, as lists of (observation, action, reward)."""
    env = batch_env(tasks, autoreset_mode="Disabled")
    n = len(tasks)
    on = np.ones(n, np.bool_) if active is None else active
    player.begin(n, env.single_observation_space, env.single_action_space, SEED, context=context)
    env.reset(seed=[child_seed(SEED, i) for i in range(n)])
    observations = env.restart(np.ones(n, np.bool_))
    log: list[list[tuple]] = [[] for _ in tasks]
    for _ in range(steps):
        actions = player.act(observations, on)
        step = env.advance(actions, on)
        player.observe(
            observations, actions, step.rewards, step.observations, step.terminated, step.truncated, on
        )
        for i in np.flatnonzero(on):
            log[i].append((int(observations[i]), int(actions[i]), float(step.rewards[i])))
        observations = step.observations
        over = (step.terminated | step.truncated) & on
        if over.any():
            observations = env.restart(over)
    return log


def test_a_row_alone_plays_as_among_others() -> None:
    tasks = sample_tasks("anymdp", 4, seed=0, n_states=16, n_actions=5)
    together = play(agent(), tasks, 300)
    for i in range(4):
        alone = play(agent(), tasks, 300, active=np.arange(4) == i)
        assert alone[i] == together[i]


def test_the_statistic_is_a_recount_of_what_was_lived() -> None:
    tasks = sample_tasks("garnet", 3, seed=0, n_states=16, n_actions=5)
    player = agent()
    log = play(player, tasks, 400)
    for i, steps in enumerate(log):
        visits, sums = np.zeros((16, 5)), np.zeros((16, 5))
        for s, a, r in steps:
            visits[s, a] += 1
            sums[s, a] += r
        np.testing.assert_array_equal(player._statistic.visits[i], visits)
        np.testing.assert_allclose(player._statistic.reward_sum[i], sums)


def test_play_is_a_function_of_the_seed_and_begin_forgets() -> None:
    tasks = sample_tasks("anymdp", 2, seed=0, n_states=16, n_actions=5)
    player = agent()
    first = play(player, tasks, 200)
    assert play(player, tasks, 200) == first


def test_it_passes_the_check_of_agents() -> None:
    check_agent(agent())


def test_it_plays_512_states_and_20_actions() -> None:
    rng = np.random.default_rng(0)
    n, a = 512, 20
    transition = np.zeros((n, a, n))
    transition[np.arange(n)[:, None], np.arange(a), rng.integers(n, size=(n, a))] = 1.0
    task = build_task(
        transition, initial=np.full(n, 1 / n), horizon=50, reward_next=(np.arange(n) == 7).astype(float)
    )
    player = agent()
    log = play(player, [task], 120)
    assert len(log[0]) == 120
    bytes_held = sum(x.nbytes for x in (*player._statistic, *player._rows.plans, player._rows.table))
    assert bytes_held < 2**20 * 4


def with_context(teacher: str, **options: Any) -> tuple[ExactAgent, list]:
    """Two tasks after five recorded episodes, played for 50 steps."""
    choice: dict[str, Any] = {"split": "validation", "tasks": range(2)}
    context = record_context("anymdp-16x5-v0", teacher, seed=0, n_episodes=5, **choice)
    player = agent(**options)
    tasks = list(load_bank("anymdp-16x5-v0").split("validation")[:2])
    return player, play(player, tasks, 50, context=context)


@pytest.mark.parametrize("teacher", ["oracle", "noisy-oracle-0.5"])
def test_it_acts_as_the_optimal_agent_was_seen_to_act(teacher: str) -> None:
    player, log = with_context(teacher, with_context=100.0)
    np.testing.assert_array_equal(player._rows.steps, 50)
    tagged = player._statistic.tagged[..., 3]
    seen = [(i, s, a) for i, steps in enumerate(log) for s, a, _ in steps if tagged[i, s].any()]
    assert len(seen) > 20
    assert all(tagged[step] for step in seen)


def test_where_it_was_not_seen_to_act_it_plans() -> None:
    player, log = with_context("uniform")
    assert player._statistic.visits.sum() > 100
    assert log == with_context("uniform", with_context=100.0)[1]


@pytest.mark.parametrize("alone", [0.0, 1.0])
def test_alone_the_policy_head_acts_and_nothing_is_planned(alone: float) -> None:
    tasks = sample_tasks("anymdp", 2, seed=0, n_states=16, n_actions=5)
    logs = [play(agent(alone=alone, kappa=kappa), tasks, 200) for kappa in (0.01, 10.0)]
    assert (logs[0] == logs[1]) == (alone > 0)


def test_alone_it_samples_at_its_temperature() -> None:
    tasks = sample_tasks("anymdp", 1, seed=0, n_states=16, n_actions=5)
    cold, hot = (play(agent(alone=t, growth=1.0), tasks, 400)[0] for t in (1e-6, 1e6))
    tried = [{(s, a) for s, a, _ in log} for log in (cold[-200:], hot[-200:])]
    states = [{s for s, _ in pairs} for pairs in tried]
    assert len(tried[0]) < 2 * len(states[0]) and len(tried[1]) > 3 * len(states[1])


def test_the_first_episode_is_no_probe_and_the_second_may_be() -> None:
    rng, horizon = np.random.default_rng(1), 10
    transition = rng.dirichlet(np.full(8, 0.3), size=(8, 3))
    task = build_task(transition, initial=np.full(8, 1 / 8), horizon=horizon, reward_next=rng.normal(size=8))
    plain, probed = (play(agent(probe=k, probe_kappa=100.0), [task], 2 * horizon)[0] for k in (0.0, 1e3))
    assert plain[:horizon] == probed[:horizon]
    assert plain[horizon:] != probed[horizon:]


@given(probe=st.floats(0.0, 20.0), n=st.integers(1, 500))
def test_probes_grow_with_the_root_of_the_episodes(probe: float, n: int) -> None:
    probes = sum(is_probe(k, 10 * k, probe, 32.0) for k in range(1, n))
    due = math.floor(probe * math.sqrt(n)) - math.floor(probe)
    assert probes == due if probe <= 1 else probes <= min(n - 1, due)


def test_only_short_episodes_are_probed() -> None:
    assert [is_probe(1, length, 6.0, 32.0) for length in (1, 31, 32, 100)] == [True, True, False, False]


@pytest.mark.parametrize("probe", [0.0, 4.0])
def test_an_action_that_began_badly_is_tried_again_in_probes(probe: float) -> None:
    """Action 1 pays nothing once and 1 ever after; action 0 pays 0.5."""
    network, _ = load_network(CHECKPOINTS / "omnirl-any")
    player = ExactAgent(network, how=Acting(kappa=1e-6, fade=0.0, probe=probe))
    player.begin(1, Discrete(1), Discrete(2), SEED)
    on, at = np.ones(1, np.bool_), np.zeros(1, np.int64)
    tried: list[int] = []
    for _ in range(60):
        actions = player.act(at, on)
        tried.append(int(actions[0]))
        reward = 0.5 if tried[-1] == 0 else float(tried.count(1) > 1)
        player.observe(at, actions, np.array([reward]), at, on, ~on, on)
    assert (sum(tried[-20:]) == 20) == (probe > 0)


def test_there_is_no_probe_after_a_recorded_context() -> None:
    assert with_context("uniform", probe=1e3)[1] == with_context("uniform")[1]


def test_spaces_that_are_not_discrete_are_refused() -> None:
    with pytest.raises(AgentError):
        agent().begin(1, Box(0, 1), Discrete(3), 0)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"kappa": 0.0}, "kappa=0"),
        ({"probe": -1}, "probe=-1"),
        ({"leaf": "hope"}, "leaf='hope'"),
        ({"quantile": 0.8}, "quantile=0.8"),
        ({"discount": 1.0}, "discount=1"),
        ({"views": 4}, "unknown options"),
        ({"with_context": 0}, "with_context=0"),
    ],
)
def test_illegal_options_are_refused(option: dict, text: str) -> None:
    with pytest.raises(InvalidConfig, match=text):
        acting(option)


def test_search_moves_a_field_to_where_the_return_is_best(tmp_path: Path) -> None:
    save_network(ExactNetwork(8, 2), tmp_path, {})
    told: list[tuple[Acting, float]] = []
    plans = [Plan(bank="anymdp-1x5-v0", tasks=2, steps=1600)]
    best = search(tmp_path, plans, ["kappa"], told=lambda how, mean, each: told.append((how, mean)))
    assert len({how for how, _ in told}) == len(told) == 5
    assert best == max(told, key=lambda one: one[1])[0]


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["omnirl", *map(str, words)])
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_commands_train_evaluate_search_and_export(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "tiny.json"
    pools = [{"n_states": 16, "lanes": 2, "life": 60}]
    config.write_text(
        json.dumps({"kind": "exact", "name": "tiny", "width": 8, "rounds": 1, "updates": 3, "pools": pools})
    )
    run = tmp_path / "run"
    assert command(monkeypatch, "train", config, "--out", run, "--minutes", 0) == 0
    assert "0 of 3" in capsys.readouterr().out
    assert command(monkeypatch, "train", config, "--out", run) == 0
    assert "3 of 3 updates" in capsys.readouterr().out
    assert (run / "training.csv").read_text().count("\n") == 4
    assert command(monkeypatch, "train", config, "--out", run, "--data", tmp_path) == 2
    words = ("--tasks", 1, "--length", 600, "--option", "kappa=0.1")
    assert command(monkeypatch, "evaluate", run, *words) == 0
    assert "0-500" in capsys.readouterr().out
    assert command(monkeypatch, "evaluate", run, "--first", 2) == 2
    assert "unknown options" in capsys.readouterr().err
    bank = ("--bank", "anymdp-1x5-v0:1", "--field", "growth", "--length", 700)
    assert command(monkeypatch, "search", run, *bank) == 0
    assert "--option growth=" in capsys.readouterr().out
    assert command(monkeypatch, "search", run, *bank, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    best = max(found["played"], key=lambda row: row["worth"])
    assert found["best"] == best["acting"] and best["plans"].keys() == {"anymdp-1x5-v0 online"}
    assert command(monkeypatch, "search", run, "--bank", "anymdp-1x5-v0") == 2
    made = factories.make(str(run), kappa=0.2)
    assert isinstance(made, ExactAgent)
    assert made.how.kappa == 0.2


def test_shipped_agents_are_registered() -> None:
    from omnirl_reference import AGENTS

    for name in ("omnirl-any", "omnirl-any-anymdp", "omnirl-any-garnet"):
        made = getattr(factories, name)()
        assert isinstance(made, ExactAgent)
        assert made.info.name == name
        assert AGENTS[name] == f"omnirl_reference.factories:{name}"
    assert factories.make().info.name == "omnirl-any"
