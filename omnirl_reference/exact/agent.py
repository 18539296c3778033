"""The agent: counts what it lives, asks the network, plans. No weight changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench import AgentInfo, Context, Task, child_seed, discrete_sizes
from anymdp_bench.kernels import add_steps, grown, make_statistic
from omnirl_reference.exact.acting import Acting, acting
from omnirl_reference.exact.checkpoint import load_network
from omnirl_reference.exact.features import N_TAGS, new_plans
from omnirl_reference.exact.markov import new_journal
from omnirl_reference.exact.network import QUANTILES, ExactNetwork
from omnirl_reference.exact.network_kernels import GAIN, VALUE, weights_of
from omnirl_reference.exact.play import FIRST_DOUBT, Rows, Rules, act_rows, observe_rows, refresh_rows
from omnirl_reference.model.checkpoint import fingerprint
from omnirl_reference.playing.draws import new_streams

SHARD_SIZE = 16
"""Tasks that one copy plays at once: enough to share a step's overhead, few enough to share out to cores."""


class ExactAgent:
    """In-context agent of any number of states and actions.

    Args:
        network: In evaluation mode.
        name: Name in tables.
        how: How it acts.
    """

    def __init__(self, network: ExactNetwork, name: str = "omnirl-any", how: Acting | None = None) -> None:
        """Keep the network; nothing is played yet."""
        self.network, self.how = network, how or Acting()
        self._weights = weights_of(network)
        config = {"checkpoint": name, "weights": fingerprint(network), **dataclasses.asdict(self.how)}
        self.info = AgentInfo(name=name, config=config, shard_size=SHARD_SIZE)

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Context | None = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Forget everything and count the recorded context, if there is one.

        Raises:
            AgentError: the spaces are not discrete.
        """
        ids, n_actions = discrete_sizes(self.info.name, observation_space, action_space)
        self._statistic = make_statistic(n, ids, n_actions, N_TAGS)
        self._rows = new_rows(n, ids, n_actions, [child_seed(seed, "omnirl-any", i) for i in range(n)])
        self._rules = rules_of(self.how, taught=context is not None)
        if context is not None:
            self._read(context)

    def _read(self, context: Context) -> None:
        begins = np.zeros(len(context.observations), np.bool_)
        begins[context.episode_start[:-1]] = True
        rows = np.repeat(np.arange(context.n_rows), np.diff(context.row_start))
        self._statistic = add_steps(
            self._statistic,
            rows,
            context.observations.astype(np.int64),
            context.actions.astype(np.int64),
            context.rewards.astype(np.float64),
            context.next_observations.astype(np.int64),
            context.terminated,
            begins,
            context.tags.astype(np.int64),
        )

    def act(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Choose one action per active row, after asking the network where it is time."""
        at = np.asarray(observations, dtype=np.int64)
        refresh_rows(self._statistic, self._rows, active, at, self._rules, self._weights)
        actions = np.zeros(len(active), np.int64)
        act_rows(self._statistic, self._rows, active, at, self._rules, actions)
        return actions

    def observe(
        self,
        observations: NDArray[Any],
        actions: NDArray[Any],
        rewards: NDArray[np.float64],
        next_observations: NDArray[Any],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        active: NDArray[np.bool_],
    ) -> None:
        """Count the step; own steps have no tag."""
        step = (
            active,
            np.asarray(observations, dtype=np.int64),
            np.asarray(actions, dtype=np.int64),
            np.asarray(rewards, dtype=np.float64),
            np.asarray(next_observations, dtype=np.int64),
            terminated,
            truncated,
        )
        done = observe_rows(self._statistic, self._rows, 0, *step)
        while done < len(active):
            self._statistic = grown(self._statistic)
            done = observe_rows(self._statistic, self._rows, done, *step)


def new_rows(n: int, n_observations: int, n_actions: int, seeds: Sequence[int]) -> Rows:
    """Rows that have lived nothing; `seeds` ``[n]`` are those of their choices."""
    return Rows(
        plans=new_plans(n, n_observations, n_actions),
        values=np.zeros((n, n_observations)),
        table=np.zeros((n, n_observations, n_actions)),
        steps=np.zeros(n, np.int64),
        due=np.zeros(n, np.int64),
        known=np.zeros(n, np.int64),
        begins=np.ones(n, np.bool_),
        episodes=np.zeros(n, np.int64),
        probing=np.zeros(n, np.bool_),
        dependence=np.ones(n),
        doubt=np.full(n, FIRST_DOUBT),
        journal=new_journal(n),
        streams=new_streams(seeds),
    )


def rules_of(how: Acting, *, taught: bool) -> Rules:
    """`how` in the form that kernels take; `taught`: there is a recorded context."""
    column = {"values": VALUE, "gains": GAIN, "optimist": -1}[how.leaf]
    return Rules(
        column=column + QUANTILES.index(how.quantile) if column >= 0 else column,
        kappa=float(how.kappa),
        fade=float(how.fade),
        offset=float(how.offset),
        discount=float(how.discount),
        logits=float(how.logits),
        growth=float(how.growth),
        probe=0.0 if taught else float(how.probe),
        probe_length=float(how.probe_length),
        probe_kappa=float(how.probe_kappa),
        probe_fade=float(how.probe_fade),
        aliased=float(how.aliased),
        aliased_discount=float(how.aliased_discount),
        aliased_kappa=float(how.aliased_kappa),
        temperature=float(how.alone or (how.with_context if taught else 0.0)),
        headed=how.alone > 0,
    )


def make_exact(folder: Path, name: str, options: Mapping[str, Any]) -> ExactAgent:
    """Build the agent of a checkpoint; `options` are fields of `Acting`, the rest is what it ships with.

    Raises:
        InvalidConfig: the folder holds no checkpoint of this kind, or an option is not legal.
    """
    network, notes = load_network(folder)
    return ExactAgent(network, name, acting(notes.get("acting", {}), options))
