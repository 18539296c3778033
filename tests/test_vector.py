"""Batches: the same trajectories as one environment at a time, whatever the tables look like."""

import concurrent.futures
import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st

import anymdp_bench
from anymdp_bench import exact
from anymdp_bench.envs import ENVS, batch_env, threads, vector
from anymdp_bench.envs.emissions import build_emissions
from anymdp_bench.envs.kernels import BLOCK, step_range
from anymdp_bench.envs.normals import fill_normals
from anymdp_bench.envs.pendulum import PendulumVectorEnv
from anymdp_bench.envs.tables import (
    EXTRA,
    KIND_MASK,
    LINE_BYTES,
    LISTED,
    SPAN,
    WIDE_LISTED,
    WIDE_SPAN,
    build_tables,
)
from anymdp_bench.envs.tabular import TabularEnv
from anymdp_bench.envs.vector import TabularVectorEnv
from anymdp_bench.errors import EpisodeOver, InvalidAction, InvalidConfig, InvalidSeed
from anymdp_bench.pendulum import PendulumTask
from anymdp_bench.seeding import noise_offset
from anymdp_bench.task import TabularTask
from anymdp_bench.task_build import build_task
from tests.tasks import random_task

IDS = [entry.id for entry in ENVS]
MODES = ["NextStep", "SameStep", "Disabled"]


def make_vec(env_id: str, n: int = 4, **kwargs: Any) -> Any:
    return gymnasium.make_vec(env_id, num_envs=n, vectorization_mode="vector_entry_point", **kwargs)


def sync_vec(env_id: str, mode: str, n: int = 4, **kwargs: Any) -> Any:
    """Gymnasium's own batch of our single environments, with the same tasks."""
    own = "task_seed" in gymnasium.spec(env_id).kwargs
    makers: list[Callable[[], Any]] = [
        lambda i=i: gymnasium.make(env_id, **({"task_seed": i} if own else {}), **kwargs) for i in range(n)
    ]
    return SyncVectorEnv(makers, autoreset_mode=mode)


def assert_same_info(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Equal keys and masks, and equal values where the masks say that there is one."""
    used = {key for key, value in theirs.items() if not key.startswith("_") and theirs[f"_{key}"].any()}
    held = {key for key in ours if not key.startswith("_") and ours[f"_{key}"].any()}
    assert held == used
    for key in used:
        mask = theirs[f"_{key}"]
        assert np.array_equal(ours[f"_{key}"], mask), key
        if isinstance(theirs[key], dict):
            assert_same_info(ours[key], theirs[key])
        else:
            for row in np.flatnonzero(mask):
                wanted = np.asarray(theirs[key][row])
                given = np.asarray(ours[key][row]).reshape(-1)[: wanted.size]
                assert np.array_equal(given, wanted.reshape(-1)), (key, row)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("env_id", IDS)
def test_equals_gymnasium_over_single_environments(env_id: str, mode: str) -> None:
    ours, theirs = (
        make_vec(env_id, autoreset_mode=mode, info_level="full"),
        sync_vec(env_id, mode, info_level="full"),
    )
    quick = make_vec(env_id, autoreset_mode=mode)
    assert ours.single_observation_space == theirs.single_observation_space
    assert ours.action_space == theirs.action_space == quick.action_space
    observation, info = ours.reset(seed=10)
    wanted, their_info = theirs.reset(seed=10)
    assert np.array_equal(observation, wanted) and np.array_equal(quick.reset(seed=10)[0], wanted)
    assert_same_info(info, their_info)
    ours.action_space.seed(0)
    for step in range(250):
        actions = ours.action_space.sample()
        *got, info = ours.step(actions)
        *wanted, their_info = theirs.step(actions)
        *fast, fast_info = quick.step(actions)
        for a, b, c in zip(got, wanted, fast, strict=True):
            assert np.array_equal(a, b) and np.array_equal(a, c), f"step {step}"
        assert_same_info(info, their_info)
        assert set(fast_info) <= {"final_obs", "_final_obs", "final_info", "_final_info"}
        over = got[2] | got[3]
        if mode == "Disabled" and over.any():
            restarted, _ = ours.reset(options={"reset_mask": over})
            assert np.array_equal(restarted, theirs.reset(options={"reset_mask": over.copy()})[0])
            assert np.array_equal(restarted, quick.restart(over))


# --- tables ----------------------------------------------------------------------------------------


def structured_task(
    seed: int, n: int, n_actions: int, width: int, *, gaps: float, per_outcome: bool, tokens: int = 1
) -> TabularTask:
    """Rows of at most `width` successors within a window, some of them missing."""
    rng = np.random.default_rng(seed)
    transition = np.zeros((n, n_actions, n))
    for s in range(n - 1):
        for a in range(n_actions):
            size = int(rng.integers(1, width + 1))
            window = min(n, max(size, round(size / (1 - gaps))))
            low = int(rng.integers(n - window + 1))
            inside = np.sort(rng.choice(window, size=size, replace=False)) + low
            transition[s, a, inside] = rng.dirichlet(np.full(size, 0.3)) + 1e-6
    transition[: n - 1] /= transition[: n - 1].sum(axis=2, keepdims=True)
    initial = np.append(rng.dirichlet(np.ones(n - 1)), 0.0)
    shape = (n, n_actions, n)
    return build_task(
        transition,
        initial=initial,
        horizon=int(rng.integers(1, 30)),
        reward_sa=rng.normal(size=(n, n_actions)),
        reward_next=rng.normal(size=n),
        reward=rng.normal(size=shape) if per_outcome else None,
        score=rng.normal(size=shape) if per_outcome and seed % 2 else None,
        noise_sa=rng.uniform(size=(n, n_actions)),
        noise_next=rng.uniform(size=n),
        state_ids=rng.integers(n, size=n),
        n_observations=n,
        action_tokens=tokens,
    )


def assert_batch_equals_singles(tasks: list[TabularTask], steps: int, seed: int) -> None:
    batch = TabularVectorEnv(tasks, info_level="full", autoreset_mode="Disabled")
    singles = [TabularEnv(task, info_level="full") for task in tasks]
    observations, info = batch.reset(seed=seed)
    first = [env.reset(seed=seed + i) for i, env in enumerate(singles)]
    assert observations.tolist() == [observation for observation, _ in first]
    batch.action_space.seed(seed)
    for _ in range(steps):
        actions = batch.action_space.sample()
        observations, rewards, terminated, truncated, info = batch.step(actions)
        for i, env in enumerate(singles):
            *single, single_info = env.step(actions[i])
            assert single == [observations[i], rewards[i], terminated[i], truncated[i]]
            for key in ("score_reward", "reward_mean", "inner_state"):
                assert single_info[key] == info[key][i], key
            if single[2] or single[3]:
                env.reset()
        batch.restart(terminated | truncated)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (SPAN, {"n": 12, "width": 8, "gaps": 0.0}),
        (SPAN, {"n": 13, "width": 13, "gaps": 0.3}),
        (LISTED, {"n": 60, "width": 6, "gaps": 0.9}),
        (WIDE_SPAN, {"n": 90, "width": 80, "gaps": 0.0}),
        (WIDE_LISTED, {"n": 90, "width": 25, "gaps": 0.7}),
    ],
)
@pytest.mark.parametrize("per_outcome", [False, True])
@pytest.mark.parametrize("tokens", [1, 3])
def test_every_kind_of_row(kind: int, shape: dict[str, Any], per_outcome: bool, tokens: int) -> None:
    tasks = [
        structured_task(seed, n_actions=3, per_outcome=per_outcome, tokens=tokens, **shape)
        for seed in range(4)
    ]
    flags = build_tables(tasks)[0].lines["flags"]
    assert kind in set((flags & KIND_MASK).tolist())
    assert (flags & EXTRA).any() == per_outcome
    assert_batch_equals_singles(tasks, 60, seed=1)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(2, 40),
    n_actions=st.integers(1, 4),
    width=st.integers(1, 40),
    gaps=st.sampled_from([0.0, 0.5, 0.9]),
    per_outcome=st.booleans(),
)
def test_any_task_is_stepped_alike(
    seed: int, n: int, n_actions: int, width: int, gaps: float, per_outcome: bool
) -> None:
    task = structured_task(seed, n, n_actions, min(width, n), gaps=gaps, per_outcome=per_outcome)
    assert_batch_equals_singles([task] * 3, 40, seed=seed)


def test_tables_share_and_separate_tasks() -> None:
    task = random_task(0)
    shared = TabularVectorEnv([task] * 10)._tables
    own = TabularVectorEnv([pickle.loads(pickle.dumps(task)) for _ in range(10)])._tables
    assert len(shared.lines) == task.reward_sa.size
    assert len(own.lines) == 10 * task.reward_sa.size


def test_tables_are_small_and_aligned() -> None:
    tasks = [anymdp_bench.sample_task("anymdp", seed=seed, n_states=128) for seed in range(4)]
    env = TabularVectorEnv(tasks)
    assert sum(table.nbytes for table in env._tables) / len(tasks) <= 64 * 1024
    for twin in (env, pickle.loads(pickle.dumps(env)), copy.deepcopy(env)):
        assert twin._tables.lines.ctypes.data % LINE_BYTES == 0
        assert twin._tables.lines.itemsize == LINE_BYTES


def test_too_many_states_for_a_batch() -> None:
    n = 2**16 + 1
    task = TabularTask(
        family="chain",
        horizon=1,
        n_observations=1,
        n_actions=1,
        row_start=np.arange(n + 1),
        successor=np.zeros(n, np.int32),
        weight=np.full(n, 2**30),
        reward_sa=np.zeros((n, 1)),
        reward_next=np.zeros(n),
        noise_sa=np.zeros((n, 1)),
        noise_next=np.zeros(n),
        initial_weight=np.eye(1, n, dtype=np.int64)[0] * 2**30,
        terminal=np.zeros(n, bool),
        state_ids=np.zeros(n, np.int32),
    )  # fmt: skip
    with pytest.raises(InvalidConfig, match="65537 inner states; batches take at most 65536"):
        TabularVectorEnv([task])


def test_tasks_with_and_without_emissions_mix() -> None:
    plain = random_task(0, n=5)
    law = np.random.default_rng(0).dirichlet(np.ones(5), size=(1, 5))
    hidden = build_task(plain.transition, initial=plain.initial, horizon=9, emissions=law, n_observations=5)
    batch = TabularVectorEnv([plain, hidden])
    singles = [TabularEnv(plain), TabularEnv(hidden)]
    assert build_emissions([plain, hidden]).shape == (10, 1, 5)
    for seed in range(30):
        observations, _ = batch.reset(seed=[seed, seed + 5])
        first = [env.reset(seed=seed + 5 * i)[0] for i, env in enumerate(singles)]
        assert observations.tolist() == first


# --- normals and threads ---------------------------------------------------------------------------


def test_block_normals_equal_the_exact_ones_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**64 - 1, size=20_000, dtype=np.uint64)
    bits[:6] = [0, 2**34 - 1, 2**33, 2**33 - 1, 1, 2**34 - 2]
    z = np.empty(len(bits))
    fill_normals(bits, len(bits), z, np.zeros(len(bits) + 8), np.zeros(len(bits) + 8, np.int64))
    wanted = [exact.normal_quantile(noise_offset(b) + 0.5) for b in bits[6:]]
    assert np.allclose(z[6:], wanted, rtol=0, atol=1e-9)
    offsets = [noise_offset(b) for b in bits]
    exactly = [exact.normal_central(q) if abs(q) <= 0.425 else exact.normal_tail(q) for q in offsets]
    assert z.tolist() == exactly


def trajectory(env: Any, steps: int = 40) -> list[list[Any]]:
    env.action_space.seed(0)
    return [[part.tolist() for part in env.step(env.action_space.sample())[:4]] for _ in range(steps)]


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [random_task(seed) for seed in range(5 * BLOCK + 3)]
    logs = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        monkeypatch.setattr(vector, "THREAD_ROWS", 8)
        monkeypatch.setattr(vector, "PART_ROWS", 64)
        env = TabularVectorEnv(tasks)
        env.reset(seed=4)
        logs.append(trajectory(env))
    assert logs[0] == logs[1] == logs[2]


@pytest.mark.parametrize(("n", "count"), [(1, 2), (128, 1), (1000, 2), (1000, 3), (64, 8), (129, 2)])
def test_ranges_cover_everything_once(monkeypatch: pytest.MonkeyPatch, n: int, count: int) -> None:
    monkeypatch.setattr(threads, "thread_count", lambda: count)
    seen = np.zeros(n, int)
    names = set()

    def visit(low: int, high: int) -> None:
        assert low % 64 == 0
        seen[low:high] += 1
        names.add(threading.current_thread().name)

    threads.run_in_ranges(visit, n, least=16, smallest=64)
    assert (seen == 1).all()
    assert len(names) <= count


def test_parts_get_shorter() -> None:
    sizes = [high - low for low, high in threads.split(16_384, 2, 1024)]
    assert sizes == [4096, 3072, 2304, 1728, 1344, 1024, 1024, 1024, 768]


def test_a_caller_does_not_wait_for_who_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    release = threading.Event()
    threads._helpers(1)[0].put(release.wait)
    seen = np.zeros(1000, int)

    def visit(low: int, high: int) -> None:
        seen[low:high] += 1

    threads.run_in_ranges(visit, 1000, least=1, smallest=64)
    release.set()
    assert (seen == 1).all()


def test_an_error_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    both = threading.Barrier(2)

    def fail_elsewhere(low: int, high: int) -> None:
        both.wait(timeout=20)
        if threading.current_thread() is not threading.main_thread():
            raise ValueError("from the other thread")

    with pytest.raises(ValueError, match="from the other thread"):
        threads.run_in_ranges(fail_elsewhere, 128, least=1, smallest=64)


def test_batches_in_several_threads_of_a_program() -> None:
    def run(seed: int) -> list[list[Any]]:
        env = TabularVectorEnv([random_task(s) for s in range(40)])
        env.reset(seed=seed)
        return trajectory(env)

    alone = [run(seed) for seed in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == alone


# --- restart and advance ---------------------------------------------------------------------------


def batch(n: int = 6, **kwargs: Any) -> TabularVectorEnv:
    return TabularVectorEnv([random_task(seed, horizon=12) for seed in range(n)], **kwargs)


def test_advance_leaves_inactive_rows_alone() -> None:
    env, twin = batch(), batch()
    observations, _ = env.reset(seed=1)
    twin.reset(seed=1)
    active = np.array([True, False] * 3)
    step = env.advance(np.where(active, 0, 99), active)
    full = twin.advance(np.zeros(6, int))
    assert np.array_equal(step.observations[~active], observations[~active])
    assert not step.rewards[~active].any() and not step.scores[~active].any()
    assert not (step.terminated | step.truncated)[~active].any()
    for mine, theirs in zip(step, full, strict=True):
        assert np.array_equal(mine[active], theirs[active])
    late = env.advance(np.zeros(6, int), ~active)
    for mine, theirs in zip(late, full, strict=True):
        assert np.array_equal(mine[~active], theirs[~active])


def test_advance_shows_the_true_last_observation() -> None:
    env = batch()
    env.reset(seed=1)
    running = np.ones(6, bool)
    while running.any():
        step = env.advance(np.ones(6, int), running)
        for i in np.flatnonzero(step.terminated):
            task = env.tasks[i]
            assert isinstance(task, TabularTask)
            assert step.observations[i] in task.state_ids[task.terminal]
        running &= ~(step.terminated | step.truncated)
    with pytest.raises(EpisodeOver, match=r"environment 0 has ended: call restart\(mask\)"):
        env.advance(np.ones(6, int))


def test_restart_begins_the_next_episode() -> None:
    env, twin = batch(), batch()
    env.reset(seed=1)
    twin.reset(seed=1)
    mask = np.array([True, False, True, False, False, False])
    observations = env.restart(mask)
    later, _ = twin.reset()
    first, _ = batch().reset(seed=1)
    assert np.array_equal(observations[mask], later[mask])
    assert np.array_equal(observations[~mask], first[~mask])


def test_score_is_what_the_tables_say() -> None:
    task = structured_task(1, 8, 3, 8, gaps=0.0, per_outcome=True)
    env = TabularVectorEnv([task] * 50, info_level="full", autoreset_mode="SameStep")
    env.reset(seed=0)
    states = env._inner()
    actions = np.arange(50) % 3
    step = env.advance(actions)
    after = env._inner()
    assert np.array_equal(step.scores, task.score_reward[states, actions, after])
    assert np.array_equal(env._means, task.reward_mean[states, actions, after])


# --- seeds and copies ------------------------------------------------------------------------------


def test_seeds() -> None:
    env = batch()
    numbered = env.reset(seed=5)[0].tolist()
    assert env.reset(seed=[5, 6, 7, 8, 9, 10])[0].tolist() == numbered
    assert env.reset(seed=np.arange(5, 11))[0].tolist() == numbered
    singles = [TabularEnv(random_task(i, horizon=12)).reset(seed=5 + i)[0] for i in range(6)]
    assert numbered == singles


def test_a_missing_seed_keeps_the_stream() -> None:
    env, twin = batch(), batch()
    env.reset(seed=5)
    twin.reset(seed=5)
    mixed, _ = env.reset(seed=[None, 3, None, 3, None, 3])
    later, _ = twin.reset()
    assert np.array_equal(mixed[::2], later[::2])
    assert np.array_equal(mixed[1::2], twin.reset(seed=[3] * 6)[0][1::2])


def test_unseeded_batches_differ() -> None:
    tasks = [random_task(0, n=50)] * 40
    assert TabularVectorEnv(tasks).reset()[0].tolist() != TabularVectorEnv(tasks).reset()[0].tolist()
    first = TabularVectorEnv(tasks).reset()[0]
    assert len(set(first.tolist())) > 1


@pytest.mark.parametrize("seed", [-1, 0.5, "7", 2**64, 2**64 - 3, [1, 2, 3, 4, 5, -6]])
def test_illegal_seeds(seed: Any) -> None:
    with pytest.raises(InvalidSeed, match="seed="):
        batch().reset(seed=seed)


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("copier", [lambda env: pickle.loads(pickle.dumps(env)), copy.deepcopy])
def test_copies_continue_alike(env_id: str, copier: Callable[[Any], Any]) -> None:
    env = make_vec(env_id, n=3)
    env.reset(seed=0)
    trajectory(env, 30)
    twin = copier(env)
    assert trajectory(twin, 60) == trajectory(env, 60)
    assert twin.reset()[0].tolist() == env.reset()[0].tolist()


def test_outputs_are_the_callers_own() -> None:
    env, twin = batch(), batch()
    for part in (env.reset(seed=2)[0], twin.reset(seed=2)[0]):
        part[:] = -5
    for _ in range(20):
        step, again = env.step(np.zeros(6, int)), twin.step(np.zeros(6, int))
        for mine, theirs in zip(step[:4], again[:4], strict=True):
            assert np.array_equal(mine, theirs)
            mine[:] = 1


# --- errors and options ----------------------------------------------------------------------------


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("mode", MODES)
def test_illegal_actions_change_nothing(env_id: str, mode: str) -> None:
    env, twin = make_vec(env_id, 3, autoreset_mode=mode), make_vec(env_id, 3, autoreset_mode=mode)
    env.reset(seed=1)
    twin.reset(seed=1)
    legal = np.zeros_like(env.action_space.sample())
    bad = legal.copy()
    bad.reshape(3, -1)[1, -1] = 77
    for actions, words in [
        (bad, r"of environment 1 is not in .*give integers in 0\.\."),
        (legal.astype(float), "dtype float64 and shape"),
        (legal.astype(bool), "dtype bool"),
        (legal[:2], r"shape \(2"),
        (None, "dtype object"),
    ]:
        with pytest.raises(InvalidAction, match=words):
            env.step(actions)
    for mine, theirs in zip(env.step(legal)[:4], twin.step(legal)[:4], strict=True):
        assert np.array_equal(mine, theirs)


def test_actions_of_resetting_rows_do_not_matter() -> None:
    env = TabularVectorEnv([random_task(0, horizon=1)] * 2)
    env.reset(seed=0)
    env.step([0, 0])
    _, rewards, terminated, truncated, _ = env.step([99, -1])
    assert not rewards.any() and not terminated.any() and not truncated.any()
    with pytest.raises(InvalidAction, match=r"Action 99 \(int\) of environment 0"):
        env.step([99, 0])


def test_read_only_actions_need_no_second_compilation() -> None:
    env = batch()
    env.reset(seed=0)
    actions = np.zeros(6, np.int64)
    actions.setflags(write=False)
    active = np.ones(6, bool)
    active.setflags(write=False)
    env.step(actions)
    env.restart(active)
    env.advance(actions.astype(np.int32), active)
    assert len(step_range.signatures) == 1


@pytest.mark.parametrize("env_id", IDS)
def test_stepping_before_a_reset(env_id: str) -> None:
    env = make_vec(env_id, 2)
    with pytest.raises(EpisodeOver, match="call reset"):
        env.step(np.zeros_like(env.action_space.sample()))


def test_disabled_mode_refuses_to_go_on() -> None:
    env = TabularVectorEnv([random_task(0, horizon=1)] * 3, autoreset_mode="Disabled")
    env.reset(seed=0)
    env.step([0, 0, 0])
    with pytest.raises(EpisodeOver, match="environment 0 has ended"):
        env.step([0, 0, 0])
    env.reset(options={"reset_mask": np.array([True, True, False])})
    with pytest.raises(EpisodeOver, match="environment 2 has ended"):
        env.step([0, 0, 0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tsak": 1}, "Unknown reset option 'tsak'"),
        ({"task": 1, "task_seed": 2}, "exclude each other"),
        ({"task_seed": 2}, "no sampler"),
        ({"task": 5}, r"5 \(int\) is no task"),
        ({"tasks": []}, "0 tasks given for 6 environments"),
        ({"task": anymdp_bench.build_task(np.ones((1, 1, 1)), initial=[1.0], horizon=1)}, "was made for"),
        ({"reset_mask": [True] * 6}, "give a NumPy bool array of shape"),
        ({"reset_mask": np.zeros(5, bool)}, "give a NumPy bool array of shape"),
        ({"reset_mask": np.ones(6, bool), "task_seed": 1}, "cannot be combined"),
    ],
)
def test_illegal_options(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidConfig, match=words):
        batch().reset(seed=0, options=options)


def test_settings_of_a_batch() -> None:
    with pytest.raises(InvalidConfig, match="tasks is empty"):
        TabularVectorEnv([])
    with pytest.raises(InvalidConfig, match="autoreset_mode='never'"):
        batch(autoreset_mode="never")
    with pytest.raises(InvalidConfig, match="info_level='much'"):
        batch(info_level="much")
    with pytest.raises(InvalidConfig, match="tasks='other'"):
        make_vec("AnyMDP-v0", tasks="other")
    with pytest.raises(InvalidConfig, match="num_envs=0"):
        make_vec("AnyMDP-v0", n=0)
    with pytest.raises(InvalidConfig, match="3 seeds given for 6"):
        batch().reset(seed=[1, 2, 3])
    with pytest.raises(InvalidConfig, match="was made for"):
        TabularVectorEnv([random_task(0, n=5), random_task(0, n=6)])
    with pytest.raises(InvalidConfig, match="give a NumPy bool array"):
        env = batch()
        env.reset()
        env.restart([True] * 6)


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("mode", MODES)
def test_metadata(env_id: str, mode: str) -> None:
    env = make_vec(env_id, 2, autoreset_mode=mode)
    assert env.metadata["autoreset_mode"] is AutoresetMode(mode)
    assert env.spec.kwargs["autoreset_mode"] == mode
    again = gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json())
    assert gymnasium.make_vec(again).num_envs == 2


def test_own_and_shared_tasks() -> None:
    own, shared = make_vec("AnyMDP-v0", 3, task_seed=5), make_vec("AnyMDP-v0", 3, task_seed=5, tasks="shared")
    wanted = [anymdp_bench.sample_task("anymdp", seed=5 + i, n_states=16).fingerprint() for i in range(5)]
    assert [task.fingerprint() for task in own.tasks] == wanted[:3]
    assert [task.fingerprint() for task in shared.tasks] == wanted[:1] * 3
    assert shared.tasks[0] is shared.tasks[2]
    own.reset(seed=1, options={"task_seed": 7})
    assert [task.fingerprint() for task in own.tasks[:2]] == [wanted[2], wanted[3]]
    shared.reset(seed=1, options={"tasks": own.tasks})
    assert trajectory(own) == trajectory(shared)


def test_batch_env_picks_the_kind() -> None:
    assert isinstance(batch_env([random_task(0)]), TabularVectorEnv)
    assert isinstance(batch_env([PendulumTask()] * 2), PendulumVectorEnv)
