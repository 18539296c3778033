"""Gymnasium's `RecordVideo` around a single environment and around the compiled batch."""

import argparse
import tempfile
from importlib import metadata
from pathlib import Path

import gymnasium as gym
from gymnasium import wrappers
from moviepy import VideoFileClip


def record(env: gym.Env | gym.vector.VectorEnv, steps: int) -> None:
    """Play at random; a single environment begins anew where an episode ends, a batch does so by itself."""
    env.action_space.seed(0)
    env.reset(seed=0)
    for _ in range(steps):
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        if isinstance(env, gym.Env) and (terminated or truncated):
            env.reset()
    env.close()


def main() -> None:
    """Record one video of each kind and print how long they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="anymdp_bench:Darkroom-v0")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument(
        "--out", type=Path, help="Folder that keeps the videos; default: they are thrown away."
    )
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = str(arguments.out or scratch)
        length = {"video_length": min(arguments.steps, 60), "step_trigger": lambda step: step == 0}
        single = gym.make(arguments.env_id, render_mode="rgb_array")
        record(wrappers.RecordVideo(single, folder, name_prefix="single", **length), arguments.steps)
        batch = gym.make_vec(
            arguments.env_id, 9, vectorization_mode="vector_entry_point", render_mode="rgb_array"
        )
        record(wrappers.vector.RecordVideo(batch, folder, name_prefix="batch", **length), arguments.steps)
        lengths = []
        for video in sorted(Path(folder).glob("*.mp4")):
            with VideoFileClip(str(video)) as clip:
                lengths.append(f"{video.name} {clip.n_frames} frames")
    print(f"moviepy {metadata.version('moviepy')}: {', '.join(lengths)}")


if __name__ == "__main__":
    main()
