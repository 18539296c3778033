"""How the network's answers become actions; chosen on validation tasks, written beside the weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from anymdp_bench import InvalidConfig
from anymdp_bench.foundation.checks import Limit, Number, OneOf, check, check_fields
from omnirl_reference.exact.network import QUANTILES

LEAVES = ("values", "gains", "optimist")

LIMITS: dict[str, Limit] = {
    "leaf": OneOf(LEAVES),
    "kappa": Number(above=True),
    "fade": Number(0, 4),
    "offset": Number(-100, 100),
    "discount": Number(0, 0.9999),
    "logits": Number(),
    "growth": Number(0, 1),
    "probe": Number(),
    "probe_length": Number(),
    "probe_kappa": Number(above=True),
    "probe_fade": Number(0, 4),
    "aliased": Number(),
    "aliased_discount": Number(0, 0.9999),
    "aliased_kappa": Number(above=True),
    "with_context": Number(above=True),
    "alone": Number(),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """How the agent acts.

    It is greedy on the plan whose every (state, action) has `kappa` imagined visits to a leaf. In ids where
    a recorded context shows what the optimal agent did it samples from the policy head, among the actions
    that were seen.

    Attributes:
        leaf: ``"values"`` or ``"gains"``, the network's quantile of the optimal value; or ``"optimist"``: the
            highest certainty-equivalent value and ten reward spreads, where nothing is learnt.
        quantile: Which of `network.QUANTILES`.
        kappa: Imagined visits of a pair that was tried once or never.
        fade: A pair tried n times has kappa * n ** -fade of them.
        offset: Added to every leaf, in reward spreads.
        discount: Of the plan.
        logits: What a unit of the policy head's logits counts beside a mean action gap of the plan.
        growth: The network is asked again after this share of the steps so far, and when a new id is seen.
        probe: Without a recorded context, probe * sqrt(n) of the first n own episodes are probes, or all of
            them, as long as they last on average less than
        probe_length: steps. A pair that began badly is tried again in probes: they are planned with
        probe_kappa, probe_fade: more imagined visits.
        aliased: Where `markov.dependence` is above this, ids hide a state, and the fixed optimist plans with
            a shorter sight instead of the network's leaves;
        aliased_discount, aliased_kappa: its discount and imagined visits.
        with_context: Temperature where the optimal agent was seen to act.
        alone: Temperature of the policy head where it acts alone, in every id; 0: it does not.
    """

    leaf: str = "values"
    quantile: float = 0.9
    kappa: float = 0.1
    fade: float = 1.0
    offset: float = 0.0
    discount: float = 0.994
    logits: float = 0.0
    growth: float = 0.02
    probe: float = 0.0
    probe_length: float = 32.0
    probe_kappa: float = 1.0
    probe_fade: float = 1.5
    aliased: float = 1.5
    aliased_discount: float = 0.9
    aliased_kappa: float = 0.1
    with_context: float = 0.05
    alone: float = 0.0

    def __post_init__(self) -> None:
        """Check every field."""
        check_fields(self, LIMITS)
        check(
            self.quantile in QUANTILES, "quantile", self.quantile, f"one of {', '.join(map(str, QUANTILES))}"
        )


def acting(*changes: Mapping[str, Any]) -> Acting:
    """Options of the agent; later ones win.

    Raises:
        InvalidConfig: an option is unknown or not legal.
    """
    merged = {name: value for given in changes for name, value in given.items()}
    legal = [field.name for field in dataclasses.fields(Acting)]
    unknown = sorted(set(merged) - set(legal))
    if unknown:
        raise InvalidConfig(f"unknown options {unknown}: legal are {', '.join(legal)}.")
    return Acting(**merged)
