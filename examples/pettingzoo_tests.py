"""PettingZoo's own tests on Switch2, as a parallel and as a turn-based game, and a game of random play."""

import argparse
import contextlib
import io
import warnings

import pettingzoo
from pettingzoo.test import api_test, parallel_api_test
from pettingzoo.utils import parallel_to_aec

from anymdp_bench.envs.switch2 import parallel_env


def main() -> None:
    """Run both tests, play, and print the players' mean reward a step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500)
    steps = parser.parse_args().steps

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # the turn-based test recommends two dimensions for observations
        api_test(parallel_to_aec(parallel_env()), num_cycles=min(steps, 200), verbose_progress=False)
        parallel_api_test(parallel_env(), num_cycles=min(steps, 200))
    env = parallel_env()
    env.reset(seed=0)
    total = 0.0
    for _ in range(steps):
        _, rewards, *_ = env.step({agent: env.action_space(agent).sample() for agent in env.agents})
        total += sum(rewards.values())
        if not env.agents:
            env.reset()
    print(f"pettingzoo {pettingzoo.__version__}: both tests pass, mean reward a step {total / steps:.3f}")


if __name__ == "__main__":
    main()
