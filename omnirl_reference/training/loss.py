"""What is minimised: cross-entropy to the oracle's labels, and the world model's errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from omnirl_reference.model.model import Predictions
from omnirl_reference.model.tokens import Steps


class Segment(NamedTuple):
    """T positions of B sequences, as tensors.

    Attributes:
        steps: Inputs.
        actions: int64 ``[B, T]``.
        following: int64 ``[B, T]``, next states.
        rewards: float32 ``[B, T]``.
        targets: float32 ``[B, T, A]``; 0 where nothing is to be imitated.
        weights: float32 ``[T]``, position weights.
    """

    steps: Steps
    actions: Tensor
    following: Tensor
    rewards: Tensor
    targets: Tensor
    weights: Tensor


class Losses(NamedTuple):
    """Weighted means over a segment, scalars; `policy` is a cross-entropy in nats."""

    policy: Tensor
    next_state: Tensor
    reward: Tensor


def position_weights(start: int, length: int, warm_up: int, device: torch.device) -> Tensor:
    """Weights of positions start..start+length-1: linear from 1e-3 to 1 over `warm_up`, then 1."""
    position = torch.arange(start, start + length, device=device, dtype=torch.float32)
    return (position / max(warm_up, 1)).clamp(min=1e-3, max=1.0)


def policy_errors(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy ``[B, T]``; 0 where the target is all zero."""
    return -(targets * F.log_softmax(logits.float(), dim=-1)).sum(-1)


def losses(predictions: Predictions, segment: Segment, mean_over: Callable[[Tensor], Tensor]) -> Losses:
    """Compare predictions with what happened and what the oracle would have done.

    Args:
        predictions: Of the model.
        segment: The truth.
        mean_over: Given the sum of this segment's weights, the sum that a mean is divided by: the same, or
            the mean over all processes, so that the mean of their gradients is that of the whole batch.
    """
    acted = (segment.actions < segment.targets.shape[-1]).float()
    weights = segment.weights * torch.ones_like(acted)
    policy_weights = weights * acted
    policy = policy_errors(predictions.policy, segment.targets)
    state_logits = predictions.next_state.float()
    next_state = F.cross_entropy(state_logits.flatten(0, 1), segment.following.flatten(), reduction="none")
    symlog = segment.rewards.sign() * segment.rewards.abs().log1p()
    reward = (predictions.reward.float() - symlog) ** 2

    total = mean_over(policy_weights.sum())

    def mean(values: Tensor) -> Tensor:
        return (values * policy_weights).sum() / total

    return Losses(mean(policy), mean(next_state.view_as(acted)), mean(reward))
