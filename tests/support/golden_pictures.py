"""One picture of each environment: ``python -m tests.support.golden_pictures`` writes them.

They are compared with a tolerance, because releases of Pillow differ in how they smooth edges and letters.
Look at every picture before it is committed.
"""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
from PIL import Image

from anymdp_bench.envs import ENVS
from anymdp_bench.envs.rendering.frame import Pixels

FOLDER = Path(__file__).parents[1] / "golden" / "pictures"
SEED, STEPS = 3, 3


def picture_of(env_id: str) -> Pixels:
    """Picture after up to three steps of pseudo-random actions."""
    env = gymnasium.make(env_id, render_mode="rgb_array")
    env.reset(seed=SEED)
    env.action_space.seed(SEED)
    for _ in range(STEPS):
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            break
    return env.render()  # type: ignore[return-value]


def golden(env_id: str) -> Pixels:
    """The committed picture."""
    return np.asarray(Image.open(FOLDER / f"{env_id}.png").convert("RGB"))


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for entry in ENVS:
        picture = Image.fromarray(picture_of(entry.id))
        picture.quantize(64).save(FOLDER / f"{entry.id}.png", optimize=True)
