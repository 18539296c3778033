"""Batches of sequences as tensors, cut into the segments that gradients flow through."""

from __future__ import annotations

import torch

from omnirl_reference.model.model import OmniRL
from omnirl_reference.model.tokens import Steps, first_steps, shift
from omnirl_reference.stream.simulate import Sequences
from omnirl_reference.training.loss import Segment, position_weights


def segments_of(batch: Sequences, length: int, warm_up: int, model: OmniRL) -> list[Segment]:
    """Cut a batch into segments of at most `length` steps, as tensors on the model's device."""
    device = model.policy.weight.device
    whole = {name: torch.from_numpy(getattr(batch, name)).to(device) for name in batch._fields}
    states, actions, tags = (whole[name].long() for name in ("states", "actions", "tags"))
    rewards = whole["rewards"]
    before = first_steps(states[:, :1], model.config, whole["targets"].shape[-1])
    parts = []
    for start in range(0, actions.shape[1], length):
        now = slice(start, start + length)
        steps = shift(states[:, :-1][:, now], tags[:, now], actions[:, now], rewards[:, now], before)
        last = (x[:, now][:, -1:] for x in (states[:, :-1], tags, actions, rewards))
        before = Steps(states[:, :1], *last)
        parts.append(
            Segment(
                steps=steps,
                actions=actions[:, now],
                following=states[:, 1:][:, now],
                rewards=rewards[:, now],
                targets=whole["targets"][:, now],
                weights=position_weights(start, actions[:, now].shape[1], warm_up, device),
            )
        )
    return parts
