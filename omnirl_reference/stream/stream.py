"""Training batches straight from fresh tasks: no data set on disk.

Batch `i` is a pure function of (configuration, i), so a stream resumes anywhere. One batch ahead is made in a
thread while the last one is trained on; the kernel does not hold the interpreter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from anymdp_bench import child_seed
from anymdp_bench.kernels import draw
from omnirl_reference.config.stream import BEHAVIOURS, DISCOUNTS, ORACLE_FREE, StreamConfig
from omnirl_reference.stream.bandits import fill_bandit
from omnirl_reference.stream.pendulums import fill_pendulum
from omnirl_reference.stream.simulate import Sequences, fill_anymdp, fill_darkroom, fill_garnet, fill_grid
from omnirl_reference.stream.worlds import SimulationSettings


def simulation_settings(config: StreamConfig) -> SimulationSettings:
    """`config` in the form that kernels take."""
    shares = np.array([config.behaviours.get(name, 0.0) for name in BEHAVIOURS])
    free = np.where(np.arange(len(BEHAVIOURS)) < ORACLE_FREE, shares, 0.0)
    if free.sum() == 0.0:
        free[0] = 1.0
    least = config.n_states if config.min_states is None else config.min_states
    return SimulationSettings(
        sizes=np.array([config.n_states, least, config.n_actions]),
        task_sizes=np.array(config.task_states or (), dtype=np.int64),
        discounts=np.array(DISCOUNTS),
        cumulative=np.cumsum(shares),
        oracle_free=np.cumsum(free),
        shares=np.array(
            [
                config.oracle_free_share,
                config.resample_share,
                config.resample_probability,
                config.masked_sequences,
                config.masked_episodes,
            ]
        ),
        label=np.array(
            [config.label_temperature if config.label == "soft" else 0.0, float(config.label_behaviour)]
        ),
        relabel=bool(config.relabel),
        fall=np.array(config.noise_until or (0.0, 0.0), dtype=np.float64),
    )


def empty_sequences(batch: int, steps: int, n_actions: int) -> Sequences:
    """Room for a batch."""
    return Sequences(
        states=np.zeros((batch, steps + 1), np.int16),
        actions=np.zeros((batch, steps), np.int16),
        tags=np.zeros((batch, steps), np.int16),
        rewards=np.zeros((batch, steps), np.float32),
        targets=np.zeros((batch, steps, n_actions), np.float32),
        behaviour=np.zeros((batch, steps), np.int16),
    )


class Stream:
    """Batches of training sequences.

    Args:
        config: What they are made of.
        batch: Sequences of a batch.
        split: Name of the seed domain: ``"train"``, ``"unseen"`` (no task of another split occurs there).
        first: Number of the first sequence of batch 0; a task is a function of its sequence's number.
        rows: Which rows of a batch are made; default all. They are what they are in the whole batch.
        replay: Play the split's tasks anew, with other random numbers.
    """

    FILLERS: Mapping[str, Callable[..., None]] = {
        "anymdp": fill_anymdp,
        "garnet": fill_garnet,
        "grid": fill_grid,
        "bandit": fill_bandit,
        "darkroom": fill_darkroom,
        "pendulum": fill_pendulum,
    }

    def __init__(
        self,
        config: StreamConfig,
        batch: int,
        split: str = "train",
        *,
        first: int = 0,
        rows: slice = slice(None),
        replay: bool = False,
    ) -> None:
        """Prepare; nothing is drawn yet."""
        self.config, self.batch = config, batch
        self._first, self._rows = first, range(first, first + batch)[rows]
        self._counts = config.task_actions or (config.n_actions,)
        self._settings = {
            n: simulation_settings(dataclasses.replace(config, n_actions=n)) for n in self._counts
        }
        parts = "task", "replay" if replay else "play"
        self._keys = [np.uint64(child_seed(config.seed, "omnirl", split, part)) for part in parts]
        self._families = np.uint64(child_seed(config.seed, "omnirl", split, "family"))
        self._actions = np.uint64(child_seed(config.seed, "omnirl", split, "actions"))
        self._ahead: tuple[int, Future[Sequences]] | None = None
        self._pool = ThreadPoolExecutor(1)

    def make(self, index: int) -> Sequences:
        """Batch `index`, made now."""
        first = index * self.batch + self._rows.start
        indices = np.arange(first, first + len(self._rows))
        if self.config.n_tasks is not None:
            indices = indices % self.config.n_tasks
        n_actions = self._n_actions_of(index)
        settings = self._settings[n_actions]
        out = empty_sequences(len(self._rows), self.config.steps, n_actions)
        if self.config.families is None:
            self.FILLERS[self.config.family](*self._keys, indices, first, settings, out)
            return out
        for b in range(len(indices)):
            row = Sequences._make(values[b : b + 1] for values in out)
            fill = self.FILLERS[self._family_of(int(indices[b]))]
            fill(*self._keys, indices[b : b + 1], first + b, settings, row)
        return out

    def _n_actions_of(self, index: int) -> int:
        """Number of actions of the tasks of batch `index`, whatever rows are made."""
        counts = self._counts
        place = draw(self._actions, np.uint64(self._first + index * self.batch))
        return counts[int(place) % len(counts)]

    def _family_of(self, index: int) -> str:
        """Family of the task of that number."""
        shares = dict(self.config.families or {})
        place = int(draw(self._families, np.uint64(index))) / 2**64 * sum(shares.values())
        for name, share in shares.items():
            place -= share
            if place < 0:
                return name
        return name

    def get(self, index: int) -> Sequences:
        """Batch `index`, made ahead if the last call asked for the one before it."""
        ahead, self._ahead = self._ahead, None
        batch = ahead[1].result() if ahead is not None and ahead[0] == index else self.make(index)
        self._ahead = (index + 1, self._pool.submit(self.make, index + 1))
        return batch
