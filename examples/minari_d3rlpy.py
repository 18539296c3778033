"""Recorded play as a Minari data set, learned from by the discrete CQL of d3rlpy."""

import argparse
import os
import tempfile

import d3rlpy
import minari
import numpy as np

import anymdp_bench as bench
from anymdp_bench.contexts.minari import to_minari

BANK, TASK = "anymdp-16x5-v0", 2


def main() -> None:
    """Record, train, and print the exact score of the learned policy: 0 is uniform play, 1 the oracle."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2_000, help="Updates of CQL.")
    steps = parser.parse_args().steps

    task = bench.load_bank(BANK).test[TASK]
    context = bench.record_episodes([task], "noisy-oracle-0.5", [0], n_episodes=64)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MINARI_DATASETS_PATH"] = folder
        to_minari(context, "anymdp-noisy-v0", env=bench.task_spec(BANK, TASK), one_hot=True)
        episodes = list(minari.load_dataset("anymdp-noisy-v0"))
    columns = {
        "observations": [episode.observations[:-1] for episode in episodes],
        "actions": [episode.actions for episode in episodes],
        "rewards": [episode.rewards for episode in episodes],
        "terminals": [episode.terminations for episode in episodes],
        "timeouts": [episode.truncations for episode in episodes],
    }
    data = d3rlpy.dataset.MDPDataset(**{name: np.concatenate(parts) for name, parts in columns.items()})
    d3rlpy.seed(0)
    scaler = d3rlpy.preprocessing.MultiplyRewardScaler(0.2)
    config = d3rlpy.algos.DiscreteCQLConfig(gamma=0.97, learning_rate=3e-3, reward_scaler=scaler)
    cql = config.create(device="cpu")
    quiet = {"show_progress": False, "logger_adapter": d3rlpy.logging.NoopAdapterFactory()}
    cql.fit(data, n_steps=steps, n_steps_per_epoch=steps, **quiet)
    ids = np.eye(task.n_observations, dtype=np.float32)
    value = bench.policy_return(task, cql.predict(ids)[task.state_ids]).mean
    known = bench.references(task)
    score = (value - known.random) / (known.oracle - known.random)
    print(f"d3rlpy {d3rlpy.__version__}: CQL on {context.n_steps} steps, exact score {100 * score:.0f} %")


if __name__ == "__main__":
    main()
