"""Training sequences on bandits, played by Thompson sampling (numba).

References:
    V. Sinii et al., In-Context Reinforcement Learning for Variable Action Spaces (arXiv 2312.13327), whose
    bandit histories are those of Thompson sampling.
"""

from __future__ import annotations

import numpy as np

from anymdp_bench.kernels import draw, draw_arms, kernel, next_bits, next_integer, next_normal
from omnirl_reference.config.stream import TAG_MODEL_LEARNER
from omnirl_reference.stream.learners import Floats, Stream
from omnirl_reference.stream.simulate import Sequences, write_end, write_step
from omnirl_reference.stream.worlds import Ints, SimulationSettings, label_table

SPREAD, NOISE = 0.2, 0.1
"""What the sampler takes the arms' spread and the noise of a pull to be, in units of the mean reward."""


@kernel(nogil=True)
def fill_bandit(
    task_key: np.uint64,
    play_key: np.uint64,
    task_indices: Ints,
    first: int,
    settings: SimulationSettings,
    out: Sequences,
) -> None:
    """Write the sequences `first`, `first` + 1, ... on the bandits of `task_indices` ``[B]``.

    A pull is an episode: every second position is an end of one, and all show the same id. Arms are drawn
    alike and need no further names.
    """
    stream = np.empty(1, dtype=np.uint64)
    n_actions = settings.sizes[2]
    means, noise = np.empty(n_actions), np.empty(n_actions)
    living = np.zeros(1, dtype=np.bool_)
    for b in range(len(task_indices)):
        stream[0] = draw(task_key, np.uint64(task_indices[b]))
        draw_arms(next_bits(stream), means, noise)
        targets = label_table(means.reshape(1, n_actions), living, settings.label[0])[0]
        stream[0] = draw(play_key, np.uint64(first + b))
        _play(stream, means, noise, targets, settings, out, b)


@kernel(nogil=True)
def _play(
    stream: Stream,
    means: Floats,
    noise: Floats,
    targets: Floats,
    settings: SimulationSettings,
    out: Sequences,
    b: int,
) -> None:
    n_actions = len(means)
    pulls, gained = np.zeros(n_actions), np.zeros(n_actions)
    out.states[b, :] = next_integer(stream, 0, settings.sizes[0] - 1)
    for t in range(out.actions.shape[1]):
        if t % 2 == 1:
            write_end(out, b, t, n_actions)
            continue
        a = _sample(stream, pulls, gained)
        reward = means[a] + noise[a] * next_normal(stream)
        pulls[a] += 1.0
        gained[a] += reward
        out.targets[b, t] = targets
        write_step(out, b, t, a, reward, TAG_MODEL_LEARNER, True, settings.label[1] > 0.0)


@kernel(nogil=True)
def _sample(stream: Stream, pulls: Floats, gained: Floats) -> int:
    """Arm of the greatest sample of its posterior, normal around the mean of all rewards so far."""
    mean = gained.sum() / max(pulls.sum(), 1.0)
    weight = (SPREAD / NOISE) ** 2
    best, chosen = -np.inf, 0
    for a in range(len(pulls)):
        certainty = 1.0 + weight * pulls[a]
        value = (mean + weight * gained[a]) / certainty
        value += SPREAD * max(mean, 1e-6) / np.sqrt(certainty) * next_normal(stream)
        if value > best:
            best, chosen = value, a
    return chosen
