"""Hashes of one trajectory of each environment: ``python -m tests.support.golden_envs`` prints the table.

A change of any hash is a change of behaviour and needs a new version of the id.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from anymdp_bench.envs import ENVS
from anymdp_bench.foundation.seeding import AGENT_STREAM, draw, stream_key

TABLE = Path(__file__).parents[1] / "golden" / "envs.json"
SEED, STEPS = 7, 400
REWARD_GRID = 1e6
"""Rewards enter in millionths, and so do observations that are not integers."""


def trajectory_hash(env_id: str) -> str:
    """SHA-256 of the observations, rewards and ends of 400 steps of pseudo-random actions."""
    env = gymnasium.make(env_id).unwrapped
    key = stream_key(np.uint64(SEED), AGENT_STREAM)
    sizes = np.atleast_1d(getattr(env.action_space, "nvec", getattr(env.action_space, "n", None)))
    digest = hashlib.sha256()
    observation, _ = env.reset(seed=SEED)
    done = False
    for step in range(STEPS):
        digest.update(_integers(observation).tobytes())
        if done:
            observation, _ = env.reset()
            done = False
            continue
        bits = int(draw(key, np.uint64(step)))
        action = [bits // 64**i % 64 % int(size) for i, size in enumerate(sizes)]
        observation, reward, terminated, truncated, _ = env.step(action[0] if len(sizes) == 1 else action)
        record = [round(float(reward) * REWARD_GRID), int(terminated), int(truncated)]
        digest.update(np.array(record, dtype="<i8").tobytes())
        done = terminated or truncated
    return digest.hexdigest()


def _integers(observation: Any) -> NDArray[np.int64]:
    values = np.asarray(observation)
    if values.dtype.kind == "f":
        values = np.rint(values.astype(np.float64) * REWARD_GRID)
    return values.astype("<i8")


if __name__ == "__main__":
    sys.stdout.write(json.dumps({entry.id: trajectory_hash(entry.id) for entry in ENVS}, indent=2) + "\n")
