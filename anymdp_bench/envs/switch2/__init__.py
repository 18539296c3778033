"""Switch2 for two players: as one environment for both, and as PettingZoo's parallel environment."""

from __future__ import annotations

from typing import Any

from anymdp_bench.envs.switch2.joint import Switch2Env, Switch2VectorEnv, make_switch2_vec
from anymdp_bench.foundation.extras import require_extra

__all__ = ["Switch2Env", "Switch2VectorEnv", "make_switch2_vec", "parallel_env"]


def parallel_env(**settings: Any) -> Any:
    """Make Switch2 as a PettingZoo parallel environment.

    Args:
        **settings: `step_cost`, `reward`, `observation`, `info_level`, `render_mode`, as for `Switch2Env`.

    Returns:
        A `pettingzoo.ParallelEnv` of the agents ``"player_0"`` and ``"player_1"``.

    Raises:
        MissingExtra: PettingZoo is not installed.
        InvalidConfig: a setting is not legal.

    Examples:
        >>> from anymdp_bench.envs.switch2 import parallel_env
        >>> env = parallel_env(observation="own")
        >>> observations, infos = env.reset(seed=0)
        >>> sorted(observations)
        ['player_0', 'player_1']
    """
    require_extra("multiagent", "pettingzoo", what="parallel_env")
    from anymdp_bench.envs.switch2.parallel import Switch2ParallelEnv

    return Switch2ParallelEnv(**settings)
