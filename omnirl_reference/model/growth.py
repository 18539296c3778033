"""Begin a model with the weights of one that knows fewer states."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from anymdp_bench import InvalidConfig
from omnirl_reference.model.model import OmniRL

NONE_LAST = "tokens.previous_state.weight"
"""Its last row stands for no state."""


def begin_with(model: OmniRL, known: OmniRL) -> None:
    """Copy all weights; the rows of further states are random mixtures of the known ones.

    State ids are shuffled in every sequence, so that a known row is one draw from what a state may look like:
    on the states that both know, the two models say the same. A further state is the same mixture in every
    table, so that it is recognised as its own predecessor and successor.

    Args:
        model: Changed in place; draws come from torch's global generator.
        known: Of the same shape, with as many states or fewer.

    Raises:
        InvalidConfig: the shapes differ in more than the number of states, or `known` has more of them.
    """
    further, n_known = model.config.n_states - known.config.n_states, known.config.n_states
    widened = dataclasses.replace(known.config, n_states=model.config.n_states)
    if widened != model.config or further < 0:
        raise InvalidConfig(
            f"a run of {model.config} cannot begin with {known.config}: give a checkpoint that differs in "
            f"nothing but fewer states."
        )
    mixtures = torch.randn(further, n_known) / n_known**0.5
    weights = model.state_dict()
    for name, old in known.state_dict().items():
        grows = old.dim() > 0 and len(weights[name]) > len(old)
        weights[name] = _widen(old, mixtures, name == NONE_LAST) if grows else old
    model.load_state_dict(weights)


def _widen(old: Tensor, mixtures: Tensor, none_last: bool) -> Tensor:
    states, rest = (old[:-1], old[-1:]) if none_last else (old, old[:0])
    mean = states.mean(0)
    return torch.cat([states, mean + mixtures @ (states - mean), rest])
