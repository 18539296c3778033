import dataclasses
import hashlib
import itertools
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gymnasium.spaces import Discrete  # noqa: E402

from anymdp_bench import (  # noqa: E402
    Context,
    InvalidConfig,
    UnknownName,
    check_agent,
    evaluate,
    load_bank,
    make_agent,
    record_context,
)
from omnirl_reference import AGENTS  # noqa: E402
from omnirl_reference.config.file import config_of as config_of_notes  # noqa: E402
from omnirl_reference.config.model import ModelConfig  # noqa: E402
from omnirl_reference.config.stream import TAG_UNKNOWN  # noqa: E402
from omnirl_reference.exact.config import exact_config  # noqa: E402
from omnirl_reference.model import shipped  # noqa: E402
from omnirl_reference.model.checkpoint import save_model  # noqa: E402
from omnirl_reference.model.model import OmniRL  # noqa: E402
from omnirl_reference.playing import step_kernels  # noqa: E402
from omnirl_reference.playing.actor import EagerActor  # noqa: E402
from omnirl_reference.playing.agent import OmniRLAgent, Temperature  # noqa: E402
from omnirl_reference.playing.compiled import CompiledActor, weights_of  # noqa: E402
from omnirl_reference.playing.validation import Plan, play  # noqa: E402
from omnirl_reference.trials.agent import TrialAgent  # noqa: E402

SMALL = ModelConfig(width=32, layers=1, head_width=16)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def test_agent_plays_reads_contexts_and_refuses_larger_worlds() -> None:
    torch.manual_seed(0)
    agent = OmniRLAgent(OmniRL(SMALL).eval(), temperature=Temperature(first=1.0, last=0.5, steps=100))
    result = evaluate(agent, "anymdp-16x5-v0", n_tasks=10, context_episodes=10)
    again = evaluate(agent, "anymdp-16x5-v0", n_tasks=10, context_episodes=10)
    assert result.curve()["score"].tolist() == again.curve()["score"].tolist()
    with pytest.raises(Exception, match="Choose a larger checkpoint"):
        evaluate(agent, "anymdp-32x5-v0", n_tasks=10, context_episodes=10)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("views", [1, 3])
def test_reading_a_context_equals_living_it(
    monkeypatch: pytest.MonkeyPatch, compiled: bool, views: int
) -> None:
    """Feeding recorded episodes in one pass leaves the memory that the same steps leave one by one."""
    torch.manual_seed(0)
    model = OmniRL(SMALL).eval()
    context = record_context("anymdp-16x5-v0", "uniform", split="validation", tasks=[3, 0], n_episodes=3)
    if not compiled:
        monkeypatch.setattr("omnirl_reference.playing.agent.make_actor", EagerActor)
    read, lived = OmniRLAgent(model, views=views), OmniRLAgent(model, views=views)
    read.begin(2, Discrete(16), Discrete(5), 7, context=context)
    lived.begin(2, Discrete(16), Discrete(5), 7)
    assert isinstance(read._actor, CompiledActor if compiled else EagerActor)
    for i, (first, last) in enumerate(itertools.pairwise(context.row_start)):
        for seat in range(i * views, (i + 1) * views):
            live(lived, context, seat, range(first, last))
    states, seats = lived._ids[:, 0], np.arange(2 * views)
    assert read._actor.logits(states, seats) == pytest.approx(lived._actor.logits(states, seats), abs=1e-4)


def live(agent: OmniRLAgent, context: Context, seat: int, steps: range) -> None:
    """Take recorded steps in one seat."""
    row, size = np.array([seat]), len(agent._ids)
    for t in steps:
        state = np.full(size, agent._ids[seat, context.observations[t]])
        agent._actor.logits(state, row)
        chosen = np.full(size, agent._moves[seat, context.actions[t]])
        reward = np.full(size, context.rewards[t], np.float32)
        agent._actor.remember(state, np.full(size, int(context.tags[t])), chosen, reward, row)
        if context.terminated[t] or context.truncated[t]:
            final = np.full(size, agent._ids[seat, context.next_observations[t]])
            agent._actor.logits(final, row)
            nothing = np.zeros(size, np.float32)
            agent._actor.remember(final, np.full(size, TAG_UNKNOWN), np.full(size, 5), nothing, row)


def test_views_decide_by_the_mean_of_their_logits() -> None:
    torch.manual_seed(0)
    agent = OmniRLAgent(OmniRL(SMALL).eval(), temperature=Temperature(first=1e-4, last=1e-4), views=3)
    agent.begin(2, Discrete(16), Discrete(5), 1)
    seen, active = np.array([4, 9]), np.ones(2, bool)
    for _ in range(5):
        before = [x.copy() for x in agent._actor.memory]
        logits = agent._actor.logits(agent._ids[np.arange(6), seen.repeat(3)], np.arange(6))
        for now, was in zip(agent._actor.memory, before, strict=True):
            now[:] = was
        votes = np.stack([logits[seat][agent._moves[seat]] for seat in range(6)]).reshape(2, 3, 5)
        actions = agent.act(seen, active)
        assert actions.tolist() == votes.mean(axis=1).argmax(axis=1).tolist()
        done = np.zeros(2, bool)
        agent.observe(seen, actions, np.array([0.5, -1.0]), seen[::-1], done, done, active)
        seen = seen[::-1]
    with pytest.raises(InvalidConfig, match="views=0"):
        OmniRLAgent(OmniRL(SMALL), views=0)


def test_surplus_actions_are_folded() -> None:
    torch.manual_seed(0)
    agent = OmniRLAgent(OmniRL(SMALL).eval(), views=2)
    agent.begin(50, Discrete(6), Discrete(2), 0)
    actions = agent.act(np.zeros(50, np.int64), np.ones(50, bool))
    assert set(actions.tolist()) == {0, 1}
    assert set(agent._chosen.tolist()) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("prompt", [False, True])
def test_compiled_steps_equal_eager_ones(prompt: bool) -> None:
    torch.manual_seed(0)
    model = OmniRL(dataclasses.replace(SMALL, layers=2, feed_forward=1.5, prompt=prompt)).eval()
    for parameter in model.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    n, rng = 11, np.random.default_rng(0)
    eager, compiled = EagerActor(model, n), CompiledActor(weights_of(model), model.config, n)
    spread = 0.0
    for _ in range(200):
        states, tags, actions = (rng.integers(high, size=n) for high in (16, 8, 6))
        rewards = rng.normal(scale=5, size=n).astype(np.float32)
        rows = np.flatnonzero(rng.random(n) < 0.8)
        slow, fast = eager.logits(states, rows), compiled.logits(states, rows)
        spread = max(spread, float(np.ptp(slow)))
        np.testing.assert_allclose(fast, slow, atol=2e-4)
        for actor in (eager, compiled):
            actor.remember(states, tags, actions, rewards, rows)
    assert spread > 1


def plain_weights() -> step_kernels.Weights:
    """Weights without any library's random numbers: 32 channels, two layers, two heads."""
    shapes = [(16, 32), (17, 32), (8, 32), (7, 32), (4, 32), (32, 64), (64,), (64, 32), (32,), (2, 32)]
    shapes += [(2, 32, 132), (2, 2, 2), (2, 16), (2, 32, 32), (2, 32), (2, 32, 96), (2, 48, 32), (32,)]
    arrays = []
    for k, shape in enumerate([*shapes, (32, 5), (5,)]):
        bits = np.arange(np.prod(shape), dtype=np.uint64) * np.uint64(2654435761 + 2 * k) % np.uint64(1 << 24)
        arrays.append((bits.astype(np.float32) / np.float32(1 << 24) - np.float32(0.5)).reshape(shape))
    return step_kernels.Weights(*arrays)


def test_compiled_steps_are_the_same_bits_on_every_processor() -> None:
    """A golden hash: code for wide and for narrow vectors must give it alike."""
    memory = step_kernels.Memory(
        np.zeros((3, 2, 2, 16, 16), np.float32), np.zeros((3, 3), np.int64), np.zeros(3, np.float32)
    )
    weights, logits, rows = plain_weights(), np.empty((3, 5), np.float32), np.arange(3)
    for t in range(200):
        states = (rows * 5 + t * t) % 16
        step_kernels.decide(weights, memory, states, rows, logits)
        rewards = ((rows + t) % 7 - 3).astype(np.float32)
        step_kernels.remember(memory, states, (states + t) % 8, (rows + t) % 6, rewards, rows)
    assert np.ptp(logits) > 0.1
    assert hashlib.sha256(logits.tobytes()).hexdigest()[:16] == "1303a46f50f636c2"


def test_compiled_and_eager_agents_act_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model, plan = OmniRL(SMALL).eval(), Plan(tasks=3, steps=300)
    fast, slow = OmniRLAgent(model), OmniRLAgent(model)
    quickly = play(fast, plan)
    monkeypatch.setattr("omnirl_reference.playing.agent.make_actor", EagerActor)
    slowly = play(slow, plan)
    assert isinstance(fast._actor, CompiledActor) and isinstance(slow._actor, EagerActor)
    assert all(np.array_equal(a, b) for a, b in zip(quickly, slowly, strict=True))


def test_a_row_is_computed_alike_in_every_company() -> None:
    torch.manual_seed(0)
    model = OmniRL(SMALL).eval()
    weights, rng = weights_of(model), np.random.default_rng(0)
    many, one = CompiledActor(weights, model.config, 19), CompiledActor(weights, model.config, 1)
    for _ in range(20):
        states, actions = rng.integers(16, size=19), rng.integers(5, size=19)
        rewards = rng.normal(size=19).astype(np.float32)
        together = many.logits(states, np.arange(19))
        assert np.array_equal(together[17:18], one.logits(states[17:18], np.arange(1)))
        many.remember(states, actions, actions, rewards, np.arange(19))
        one.remember(states[17:18], actions[17:18], actions[17:18], rewards[17:18], np.arange(1))


def test_checkpoints_are_agents_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(shipped, "CHECKPOINTS", tmp_path)
    model = OmniRL(SMALL)
    notes = {"model": dataclasses.asdict(SMALL), "temperature": {"last": 0.2}, "views": 2}
    save_model(model, tmp_path / "small-1", notes)
    assert set(shipped.checkpoint_names()) == {"small-1", *shipped.elsewhere()}
    named = make_agent("omnirl_reference.factories:small-1", options={"first": 3.0})
    assert named.info.config["first"] == 3.0
    assert named.info.config["last"] == 0.2
    assert named.info.config["views"] == 2
    chosen = make_agent("omnirl_reference.playing.agent:make", options={"checkpoint": "small-1"})
    assert chosen.info.name == "small-1"
    assert chosen.info.config["weights"] == named.info.config["weights"]
    assert OmniRLAgent(OmniRL(SMALL)).info.config["weights"] != named.info.config["weights"]
    check_agent(chosen)
    assert pickle.loads(pickle.dumps(chosen)).info == chosen.info
    with pytest.raises(UnknownName, match="'small-2'"):
        make_agent("omnirl_reference.factories:small-2")
    with pytest.raises(InvalidConfig, match="unknown options"):
        make_agent("omnirl_reference.factories:small-1", options={"warmth": 3.0})


@pytest.mark.parametrize("name", AGENTS)
def test_registered_agents_keep_the_rules(name: str) -> None:
    agent = make_agent(name)
    assert pickle.loads(pickle.dumps(agent)).info == agent.info
    own = isinstance(agent, TrialAgent)
    check_agent(agent, load_bank(notes_of(name)["setting"]["bank"]).train[:3] if own else None)


def notes_of(name: str) -> dict[str, Any]:
    notes: dict[str, Any] = json.loads((shipped.CHECKPOINTS / name / "notes.json").read_text())
    return notes


SAID = {
    "exact": ("minutes", "bytes", "acting"),
    "trials": ("minutes", "steps", "setting", "shape"),
    None: ("hours", "steps", "seeds", "temperature"),
}
"""What notes of each kind say besides."""
PLAYED = {"trials": {"online"}}
"""Protocols that are validated, where not all are."""


@pytest.mark.parametrize("name", shipped.checkpoint_names())
def test_shipped_checkpoints_say_where_they_come_from(name: str) -> None:
    folder, notes = shipped.CHECKPOINTS / name, notes_of(name)
    kind = notes.get("kind")
    assert notes["name"] == name
    if kind != "trials":
        config = exact_config(notes["config"]) if kind else config_of_notes(notes)
        assert config.updates == notes["updates"]
    for field in ("commit", "hardware", *SAID[kind]):
        assert notes[field], field
    protocols = {entry["protocol"] for entry in notes["validation"]}
    assert protocols == PLAYED.get(kind, {"online", "imitation", "offline"})
    assert all(entry["split"] == "validation" and entry["clipped"] for entry in notes["validation"])
    assert sum(path.stat().st_size for path in folder.iterdir()) <= (1 if kind else 16) * 2**20
    assert make_agent(name).info.name == name
