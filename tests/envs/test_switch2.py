"""Switch2's rules, its known optimum, and what each player sees."""

from __future__ import annotations

import pickle
import sys
import warnings

import numpy as np
import pytest
from gymnasium.spaces import MultiDiscrete
from gymnasium.utils.env_checker import check_env

from anymdp_bench import worlds
from anymdp_bench.envs.switch2 import Switch2Env, Switch2VectorEnv, make_switch2_vec, parallel_env
from anymdp_bench.foundation.errors import (
    EpisodeOver,
    InvalidAction,
    InvalidConfig,
    InvalidTask,
    MissingExtra,
    NotTabular,
)
from anymdp_bench.tasks.task import TabularTask
from anymdp_bench.worlds.pendulum.task import PendulumTask
from anymdp_bench.worlds.switch2 import FREE_CELLS, switch2_arrived

with warnings.catch_warnings():
    # PettingZoo 1.27 imports an environment of its own in a way that it calls deprecated.
    warnings.simplefilter("ignore")
    from pettingzoo.test import parallel_api_test, parallel_seed_test

DOWN, LEFT, UP, RIGHT, STAY = range(5)


def backward_induction(task: TabularTask) -> tuple[float, float]:
    """Best and uniform expected scored return over the horizon."""
    expected = (task.transition * task.score_reward).sum(axis=2)
    best, uniform = np.zeros(task.n_states), np.zeros(task.n_states)
    step = task.transition.mean(axis=1)
    for _ in range(task.horizon):
        best = np.where(task.terminal, 0.0, (expected + task.transition @ best).max(axis=1))
        uniform = np.where(task.terminal, 0.0, expected.mean(axis=1) + step @ uniform)
    return float(task.initial @ best), float(task.initial @ uniform)


class MaGymSwitch:
    """The rules as the prose states them: positions on a grid, players moved in turn."""

    def __init__(self, step_cost: float) -> None:
        self.step_cost = step_cost
        self.position = [(0, 1), (0, 5)]
        self.goal = [(0, 6), (0, 0)]
        self.done = [False, False]

    def step(self, actions: tuple[int, int]) -> list[float]:
        rewards = [0.0, 0.0]
        for player, action in enumerate(actions):
            if self.done[player]:
                continue
            self._move(player, action)
            self.done[player] = self.position[player] == self.goal[player]
            rewards[player] = 5.0 if self.done[player] else self.step_cost
        return rewards

    def _move(self, player: int, action: int) -> None:
        row, column = self.position[player]
        target = [(row + 1, column), (row, column - 1), (row - 1, column), (row, column + 1), (row, column)]
        row, column = target[action]
        wall = not (0 <= row < 3 and 0 <= column < 7) or (row != 1 and 2 <= column <= 4)
        if not wall and (row, column) != self.position[1 - player]:
            self.position[player] = (row, column)


def walk(task: TabularTask, actions: list[tuple[int, int]]) -> list[int]:
    """States visited from the start by a list of joint actions."""
    states = [int(task.initial.argmax())]
    for first, second in actions:
        row = states[-1] * task.n_actions + 5 * first + second
        states.append(int(task.successor[task.row_start[row]]))
    return states


def test_layout_and_size() -> None:
    task = worlds.switch2()
    assert len(FREE_CELLS) == 15
    assert (task.n_states, task.n_actions, task.horizon) == (210, 25, 50)
    assert task.terminal.sum() == 1
    assert (task.transition.max(axis=2)[~task.terminal] == 1).all()


@pytest.mark.parametrize(("step_cost", "optimum"), [(-0.1, 8.3), (0.0, 10.0)])
@pytest.mark.parametrize("reward", ["raw", "shaped"])
def test_known_optimum(step_cost: float, optimum: float, reward: str) -> None:
    best, _ = backward_induction(worlds.switch2(step_cost, reward))
    assert best == pytest.approx(optimum, abs=1e-9)


def test_uniform_return() -> None:
    _, uniform = backward_induction(worlds.switch2())
    assert uniform == pytest.approx(-9.09, abs=0.01)


@pytest.mark.parametrize("step_cost", [-0.1, 0.0, -1.5])
def test_joint_task_follows_the_rules_step_for_step(step_cost: float) -> None:
    task = worlds.switch2(step_cost)
    rng = np.random.default_rng(0)
    arrivals = 0
    for _ in range(100):
        game, state = MaGymSwitch(step_cost), 0
        # Uniform play rarely arrives, so players are biased towards their goals.
        for _ in range(task.horizon):
            first = rng.choice(5, p=[0.2, 0.1, 0.2, 0.4, 0.1])
            second = rng.choice(5, p=[0.2, 0.4, 0.2, 0.1, 0.1])
            rewards = game.step((first, second))
            outcome = task.row_start[state * 25 + 5 * first + second]
            assert task.outcome_reward[outcome] == pytest.approx(sum(rewards), abs=1e-12)
            state = int(task.successor[outcome])
            assert task.terminal[state] == all(game.done)
            if task.terminal[state]:
                break
            arrivals += sum(reward == 5.0 for reward in rewards)
            seen = worlds.switch2_player_ids(task)[state]
            cells = [FREE_CELLS.index(position) for position in game.position]
            assert seen.tolist() == [
                cells[0] + 15 * game.position[1][1],
                cells[1] + 15 * game.position[0][1],
            ]
            assert switch2_arrived(task)[state].tolist() == game.done
    assert arrivals > 10


def test_blocking_walls_and_order_of_moves() -> None:
    task = worlds.switch2()
    cells = {state: index for index, state in enumerate(map(tuple, player_cells(task)))}

    def after(positions: tuple[tuple[int, int], tuple[int, int]], actions: tuple[int, int]) -> list:
        state = cells[FREE_CELLS.index(positions[0]), FREE_CELLS.index(positions[1])]
        row = state * 25 + 5 * actions[0] + actions[1]
        return [FREE_CELLS[c] for c in player_cells(task)[task.successor[task.row_start[row]]]]

    assert after(((1, 2), (1, 3)), (RIGHT, LEFT)) == [(1, 2), (1, 3)]
    assert after(((1, 2), (1, 3)), (LEFT, LEFT)) == [(1, 1), (1, 2)]
    assert after(((1, 2), (1, 3)), (RIGHT, RIGHT)) == [(1, 2), (1, 4)]
    assert after(((1, 3), (1, 5)), (UP, DOWN)) == [(1, 3), (2, 5)]
    assert after(((0, 6), (1, 6)), (LEFT, UP)) == [(0, 6), (1, 6)]
    assert after(((0, 6), (1, 5)), (LEFT, UP)) == [(0, 6), (0, 5)]


def player_cells(task: TabularTask) -> np.ndarray:
    return worlds.switch2_player_ids(task) % 15


def test_shaped_reward_by_hand() -> None:
    task = worlds.switch2(reward="shaped")
    actions = [(DOWN, STAY), (RIGHT, RIGHT), (UP, STAY), (RIGHT, LEFT)]
    states = walk(task, actions)
    rewards = [
        task.reward_sa[state, 5 * first + second]
        for state, (first, second) in zip(states, actions, strict=False)
    ]
    # Player 0 leaves its row (farther), walks right (closer), meets a wall (same), goes on (closer);
    # player 1 stays (same), steps away (farther), stays (same), comes back (closer).
    np.testing.assert_allclose(rewards, [-0.12 - 0.04, 0.08 - 0.12, -0.04 - 0.04, 0.08 + 0.08])
    assert task.outcome_score.max() <= 10
    assert (task.score_reward == worlds.switch2().reward_mean).all()


def test_shaped_arrival_and_afterwards() -> None:
    task = worlds.switch2(reward="shaped")
    arrived, ids = switch2_arrived(task), worlds.switch2_player_ids(task)
    alone = np.flatnonzero(arrived[:, 0] & ~arrived[:, 1])
    assert set(np.round(task.reward_sa[alone], 9).ravel()) <= {1.0, 0.08, -0.12, -0.04}
    beside = [s for s in alone if FREE_CELLS[ids[s, 1] % 15] == (0, 1)]
    assert task.reward_sa[beside[0], LEFT] == 1.0


@pytest.mark.parametrize(("observation", "n_ids"), [("column", 105), ("own", 15), ("area", 45)])
def test_player_ids(observation: str, n_ids: int) -> None:
    task = worlds.switch2(observation=observation)
    ids = worlds.switch2_player_ids(task)
    assert ids.shape == (210, 2)
    assert ids.dtype == np.int64
    assert 0 <= ids.min() <= ids.max() < n_ids
    assert len(np.unique(ids)) > 0.8 * n_ids
    with pytest.raises(ValueError, match="read-only"):
        ids[0, 0] = 1


def test_area_tells_rooms_from_corridor() -> None:
    task = worlds.switch2(observation="area")
    columns = worlds.switch2_player_ids(worlds.switch2()) // 15
    zones = worlds.switch2_player_ids(task) // 15
    np.testing.assert_array_equal(zones, np.searchsorted([2, 5], columns, side="right"))


def test_mirrored_starts_are_another_task() -> None:
    plain, mirrored = worlds.switch2(), worlds.switch2(starts="mirrored")
    assert [FREE_CELLS[c] for c in player_cells(mirrored)[0]] == [(2, 1), (2, 5)]
    assert plain.fingerprint() != mirrored.fingerprint()
    assert backward_induction(mirrored)[0] == pytest.approx(8.3)


@pytest.mark.parametrize("value", [0.1, float("nan"), float("-inf"), "0", None, True])
def test_step_cost_is_checked(value: object) -> None:
    with pytest.raises(InvalidConfig, match=r"step_cost=.*finite number of at most 0"):
        worlds.switch2(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["reward", "observation", "starts"])
def test_choices_are_checked(name: str) -> None:
    with pytest.raises(InvalidConfig, match=f"{name}='other' is not legal: give one of"):
        worlds.switch2(**{name: "other"})


def test_player_ids_need_a_switch2_task() -> None:
    with pytest.raises(InvalidTask, match=r"family='darkroom'.*give one that worlds.switch2 made"):
        worlds.switch2_player_ids(worlds.darkroom(3))
    with pytest.raises(NotTabular, match="PendulumTask"):
        worlds.switch2_player_ids(PendulumTask())


def test_check_env_passes() -> None:
    check_env(Switch2Env(), skip_render_check=True)


def random_play(seed: int, steps: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(5, size=(steps, 2))


@pytest.mark.parametrize("observation", ["column", "own", "area"])
@pytest.mark.parametrize("reward", ["raw", "shaped"])
def test_joint_env_plays_the_task(reward: str, observation: str) -> None:
    env = Switch2Env(-0.2, reward, observation, info_level="full")
    task, ids = env.task, worlds.switch2_player_ids(env.task)
    n_ids = {"column": 105, "own": 15, "area": 45}[observation]
    assert env.observation_space == MultiDiscrete([n_ids, n_ids])
    seen, info = env.reset(seed=0)
    state = 0
    assert info == {"inner_state": 0}
    for step, (first, second) in enumerate(random_play(1, 50), start=1):
        assert seen.tolist() == ids[state].tolist()
        assert seen.dtype == np.int64
        row = state * 25 + 5 * first + second
        seen, received, terminated, truncated, info = env.step(np.array([first, second]))
        outcome = task.row_start[row]
        state = int(task.successor[outcome])
        assert env.joint_state == info["inner_state"] == state
        assert received == info["reward_mean"] == task.outcome_reward[outcome]
        assert info["score_reward"] == task.outcome_score[outcome]
        assert info["transition_row"][state] == 1
        assert (terminated, truncated) == (False, step == 50)
    with pytest.raises(EpisodeOver, match="call reset"):
        env.step([4, 4])


@pytest.mark.parametrize("action", [[5, 0], [0, -1], [0], 3, [0.0, 1.0], [[0, 1]], None])
def test_illegal_joint_actions_change_nothing(action: object) -> None:
    env = Switch2Env()
    seen, _ = env.reset(seed=0)
    with pytest.raises(InvalidAction, match=r"is not in MultiDiscrete|give integers of shape \(2,\)"):
        env.step(action)
    assert env.joint_state == 0
    assert env.step([4, 4])[0].tolist() == seen.tolist()


def test_task_option_takes_switch2_tasks_of_the_same_ids() -> None:
    env = Switch2Env()
    mirrored = worlds.switch2(starts="mirrored")
    seen, _ = env.reset(seed=0, options={"task": mirrored})
    assert env.task is mirrored
    assert seen.tolist() == worlds.switch2_player_ids(mirrored)[0].tolist()
    with pytest.raises(InvalidConfig, match="is no Switch2 task"):
        env.reset(options={"task": worlds.darkroom(3)})
    with pytest.raises(InvalidConfig, match="Give a task of the same shape"):
        env.reset(options={"task": worlds.switch2(observation="own")})
    with pytest.raises(InvalidConfig, match="Unknown reset option 'speed'"):
        env.reset(options={"speed": 1})


# PettingZoo's test samples 1,000 steps; a finished episode is a break for it, so fewer cover the same.
@pytest.mark.parametrize("settings", [{}, {"reward": "shaped", "observation": "area", "info_level": "full"}])
def test_pettingzoo_api(settings: dict, capsys: pytest.CaptureFixture) -> None:
    parallel_api_test(parallel_env(**settings), num_cycles=200)
    parallel_seed_test(lambda: parallel_env(**settings), num_cycles=50)
    assert "Passed" in capsys.readouterr().out


def test_parallel_env_plays_the_joint_game() -> None:
    parallel, joint = parallel_env(reward="shaped"), Switch2Env(reward="shaped")
    seen, _ = parallel.reset(seed=4)
    assert list(seen.values()) == joint.reset(seed=4)[0].tolist()
    for first, second in random_play(3, 50):
        expected, reward, _, truncated, _ = joint.step([first, second])
        seen, rewards, terminations, truncations, infos = parallel.step(
            {"player_0": first, "player_1": second}
        )
        assert list(seen.values()) == expected.tolist()
        assert list(rewards.values()) == [reward, reward]
        assert list(truncations.values()) == [truncated, truncated]
        assert not any(terminations.values())
        assert infos == {"player_0": {}, "player_1": {}}
    assert parallel.agents == []
    with pytest.raises(EpisodeOver, match="call reset"):
        parallel.step({})


def test_parallel_player_leaves_on_arrival() -> None:
    """Optimal play through PettingZoo: 8.3 in all, one player arrives first and is told nothing more."""
    env = parallel_env()
    seen, _ = env.reset(seed=0)
    policy = optimal_policy(env.task)
    state, total, told = 0, 0.0, []
    while env.agents:
        first, second = divmod(int(policy[len(told), state]), 5)
        joint = {"player_0": first, "player_1": second}
        seen, rewards, terminations, truncations, _ = env.step({agent: joint[agent] for agent in env.agents})
        state = int(env.task.successor[env.task.row_start[state * 25 + 5 * first + second]])
        total += next(iter(rewards.values()))
        told.append((set(seen), {agent for agent, over in terminations.items() if over}))
        assert set(seen) == set(rewards) == set(truncations) == set(terminations)
        assert not any(truncations.values())
    assert total == pytest.approx(8.3)
    assert 9 <= len(told) <= 12
    arrivals = [over for _, over in told if over]
    assert len(arrivals) == 2
    assert arrivals[0] | arrivals[1] == {"player_0", "player_1"}
    assert told[-1] == (arrivals[1], arrivals[1])


def optimal_policy(task: TabularTask) -> np.ndarray:
    """Optimal joint action at each step and state, `[horizon, S]`."""
    expected = (task.transition * task.score_reward).sum(axis=2)
    value, policy = np.zeros(task.n_states), np.zeros((task.horizon, task.n_states), dtype=np.int64)
    for step in reversed(range(task.horizon)):
        q = expected + task.transition @ value
        policy[step], value = q.argmax(axis=1), np.where(task.terminal, 0.0, q.max(axis=1))
    return policy


def test_parallel_env_needs_actions_of_all_in_play() -> None:
    env = parallel_env()
    with pytest.raises(EpisodeOver, match="never begun"):
        env.step({"player_0": 0, "player_1": 0})
    env.reset(seed=0)
    with pytest.raises(InvalidAction, match=r"Action None of 'player_1'.*0\.\.4"):
        env.step({"player_0": 0})
    with pytest.raises(InvalidAction, match="Action 5 of 'player_0'"):
        env.step({"player_0": 5, "player_1": 0})
    assert env.step({"player_0": 4, "player_1": 4})[0] == env.reset(seed=0)[0]


def test_parallel_env_without_pettingzoo_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "anymdp_bench.envs.switch2.parallel", raising=False)
    monkeypatch.setitem(sys.modules, "pettingzoo", None)
    with pytest.raises(MissingExtra, match=r"pip install 'anymdp-bench\[multiagent\]'"):
        parallel_env()


def test_parallel_env_pickles_in_mid_episode() -> None:
    env = parallel_env()
    env.reset(seed=2)
    env.step({"player_0": DOWN, "player_1": RIGHT})
    other = pickle.loads(pickle.dumps(env))
    actions = {"player_0": RIGHT, "player_1": DOWN}
    assert env.step(actions) == other.step(actions)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_vector_and_single_agree(mode: str) -> None:
    settings = {"step_cost": -0.3, "reward": "shaped", "info_level": "full"}
    batch = make_switch2_vec(2, **settings, autoreset_mode=mode)
    singles = [Switch2Env(**settings) for _ in range(2)]
    seen, info = batch.reset(seed=3)
    np.testing.assert_array_equal(seen, [env.reset(seed=3 + i)[0] for i, env in enumerate(singles)])
    over = False
    for actions in np.random.default_rng(0).integers(5, size=(120, 2, 2)):
        if over and mode == "Disabled":
            batch.reset(options={"reset_mask": np.array([True, True])})
        if over and mode != "SameStep":
            starts = [env.reset()[0] for env in singles]
        if over and mode == "NextStep":
            results = [(start, 0.0, False, False, {}) for start in starts]
        else:
            results = [env.step(row) for env, row in zip(singles, actions, strict=True)]
        seen, rewards, terminated, truncated, info = batch.step(actions)
        over = bool(truncated.all())
        expected = [result[0] for result in results]
        if over and mode == "SameStep":
            np.testing.assert_array_equal(np.stack(info["final_obs"]), expected)
            expected = [env.reset()[0] for env in singles]
        np.testing.assert_array_equal(seen, expected)
        assert rewards.tolist() == [result[1] for result in results]
        assert truncated.tolist() == [result[3] for result in results]
        assert not terminated.any()
        assert batch.observation_space.contains(seen)


def test_vector_env_mixes_tasks() -> None:
    tasks = [worlds.switch2(), worlds.switch2(0.0, starts="mirrored")]
    batch = Switch2VectorEnv(tasks, autoreset_mode="Disabled", info_level="full")
    seen, _ = batch.reset(seed=0)
    for row, task in zip(seen, tasks, strict=True):
        assert row.tolist() == worlds.switch2_player_ids(task)[0].tolist()
    step = batch.advance([[UP, UP], [9, 9]], active=np.array([True, False]))
    assert step.rewards.tolist() == [-0.2, 0.0]
    assert step.observations[1].tolist() == seen[1].tolist()
    assert batch.restart(np.array([True, False])).tolist() == seen.tolist()
    assert batch.tasks == tuple(tasks)


def test_vector_env_optimum_ends_terminated() -> None:
    batch = make_switch2_vec(3, info_level="full")
    _, info = batch.reset(seed=0)
    policy, total = optimal_policy(batch.tasks[0]), 0.0
    for step in range(50):
        joint = policy[step, info["inner_state"]]
        _, rewards, terminated, _, info = batch.step(np.stack(np.divmod(joint, 5), axis=1))
        total += rewards[0]
        if terminated.any():
            break
    assert terminated.all()
    assert total == pytest.approx(8.3)
    # The next step begins anew and ignores even illegal actions.
    seen, rewards, *_ = batch.step(np.full((3, 2), 7))
    assert rewards.tolist() == [0, 0, 0]
    with pytest.raises(InvalidAction, match=r"\[7, 7\].* of environment 0 is not in MultiDiscrete"):
        batch.step(np.full((3, 2), 7))
    assert batch.step(np.full((3, 2), STAY))[0].tolist() == seen.tolist()


def test_vector_env_refuses() -> None:
    batch = make_switch2_vec(2)
    with pytest.raises(EpisodeOver, match="call reset"):
        batch.step([[4, 4], [4, 4]])
    batch.reset(seed=0)
    with pytest.raises(InvalidAction, match=r"give integers of shape \(2, 2\)"):
        batch.step([4, 4])
    with pytest.raises(InvalidConfig, match="is no Switch2 task"):
        batch.reset(options={"task": worlds.darkroom(3)})
    with pytest.raises(InvalidConfig, match="Give a task of the same shape"):
        batch.reset(options={"tasks": [worlds.switch2(), worlds.switch2(observation="own")]})
    with pytest.raises(InvalidConfig, match="tasks='all' is not legal: give one of 'own', 'shared'"):
        make_switch2_vec(2, tasks="all")
    with pytest.raises(InvalidConfig, match="tasks is empty"):
        Switch2VectorEnv([])


def test_vector_env_pickles() -> None:
    batch = make_switch2_vec(2)
    batch.reset(seed=0)
    other = pickle.loads(pickle.dumps(batch))
    actions = [[DOWN, RIGHT], [DOWN, DOWN]]
    for mine, theirs in zip(batch.step(actions), other.step(actions), strict=True):
        np.testing.assert_array_equal(mine, theirs)
