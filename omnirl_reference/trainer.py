"""Training: segments with carried, detached state; exact resume; everything logged.

References:
    arXiv 2502.02869, chunk-wise training: one optimiser step per batch of whole sequences.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anymdp_bench import child_seed
from omnirl_reference import checkpoint
from omnirl_reference.config import TrainConfig
from omnirl_reference.loss import Losses, Segment, losses, position_weights
from omnirl_reference.model import OmniRL, count_parameters, detach
from omnirl_reference.on_policy import play_sequences
from omnirl_reference.simulate import Sequences
from omnirl_reference.stream import Stream
from omnirl_reference.tokens import Steps, first_steps, shift

Log = Callable[[dict[str, float]], None]


def segments_of(batch: Sequences, length: int, warm_up: int, model: OmniRL) -> list[Segment]:
    """Cut a batch into segments of at most `length` steps, as tensors on the model's device."""
    device = model.policy.weight.device
    whole = {name: torch.from_numpy(getattr(batch, name)).to(device) for name in batch._fields}
    states, actions, tags = (whole[name].long() for name in ("states", "actions", "tags"))
    rewards = whole["rewards"]
    before = first_steps(states[:, :1], model.config)
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


class Trainer:
    """One training run in one folder; calling `run` again goes on where it stopped.

    Args:
        config: The whole run.
        folder: Where checkpoints and logs go.
        device: ``"cpu"``, ``"cuda"`` or ``"auto"``.
    """

    def __init__(self, config: TrainConfig, folder: Path, device: str = "auto") -> None:
        """Build the model, or restore the run that the folder holds."""
        self.config, self.folder = config, folder
        chosen = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(chosen if device == "auto" else device)
        torch.manual_seed(child_seed(config.seed, "omnirl", "weights") % 2**63)
        self.model = OmniRL(config.model).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.update = 0
        self.seconds = 0.0
        self._pool: tuple[int, Sequences] | None = None
        self._restore()

    def _restore(self) -> None:
        tensors = checkpoint.load_training(self.folder)
        if tensors is None:
            return
        self.model.load_state_dict(
            {name.removeprefix("model."): x for name, x in tensors.items() if name.startswith("model.")}
        )
        checkpoint.restore_optimiser(self.optimiser, tensors)
        self.update = int(tensors["update"])
        self.seconds = float(tensors["seconds"])
        if "pool.index" in tensors:
            pool = Sequences(*(tensors[f"pool.{name}"].numpy() for name in Sequences._fields))
            self._pool = (int(tensors["pool.index"]), pool)

    def save(self, notes: dict[str, Any]) -> None:
        """Write the checkpoint that resumes the run, and the model with its notes."""
        tensors: dict[str, Tensor] = {f"model.{n}": x for n, x in self.model.state_dict().items()}
        tensors |= checkpoint.optimiser_tensors(self.optimiser)
        tensors |= {"update": torch.tensor(self.update), "seconds": torch.tensor(self.seconds)}
        if self._pool is not None:
            tensors["pool.index"] = torch.tensor(self._pool[0])
            tensors |= {f"pool.{n}": torch.from_numpy(x) for n, x in self._pool[1]._asdict().items()}
        checkpoint.save_training(self.folder, tensors)
        config = dataclasses.asdict(self.config)
        facts = {"parameters": count_parameters(self.model), "updates": self.update, "seconds": self.seconds}
        checkpoint.save_model(self.model, self.folder, {**config, **facts, **notes})

    def learning_rate(self, update: int) -> float:
        """Linear rise, then a cosine from the peak to the final rate."""
        c = self.config
        if update < c.warm_up:
            return c.learning_rate * (update + 1) / c.warm_up
        share = (update - c.warm_up) / max(1, c.updates - c.warm_up)
        fall = 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
        return c.final_learning_rate + (c.learning_rate - c.final_learning_rate) * fall

    def run(self, log: Log, notes: dict[str, Any] | None = None, until: int | None = None) -> None:
        """Train until the last update (or `until`), saving as it goes."""
        last = min(self.config.updates, until or self.config.updates)
        start = saved = time.monotonic()
        before = self.seconds
        while self.update < last:
            log({"update": float(self.update), **self._one_update()})
            self.seconds = before + time.monotonic() - start
            if time.monotonic() - saved > 60 * self.config.checkpoint_minutes:
                self.save(notes or {})
                saved = time.monotonic()
        self.save(notes or {})

    def _one_update(self) -> dict[str, float]:
        rate = self.learning_rate(self.update)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        c = self.config
        batch = self._batch()
        parts = segments_of(batch, c.segment, c.position_warm_up, self.model)
        sums = np.zeros(len(Losses._fields))
        memory = self.model.initial_state(len(batch.actions))
        for part in parts:
            predictions, memory = self.model(part.steps, part.actions, memory)
            memory = detach(memory)
            each = losses(predictions, part, self.model)
            weights = (c.policy_weight, c.next_state_weight, c.reward_weight)
            total = sum(w * x for w, x in zip(weights, each, strict=True)) / len(parts)
            torch.as_tensor(total).backward()
            sums += [float(x.detach()) / len(parts) for x in each]
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), c.clip))
        if math.isfinite(norm):
            self.optimiser.step()
        self.update += 1
        return {**dict(zip(Losses._fields, sums.tolist(), strict=True)), "norm": norm, "rate": rate}

    def _batch(self) -> Sequences:
        """Sequences of this update: from the stream, and a share from the model's own pool."""
        index, stage = self.config.stage_of(self.update)
        own = round(stage.on_policy_share * self.config.batch)
        parts = []
        if own < self.config.batch:
            parts.append(self._stream(index, self.config.batch - own).get(self.update))
        if own:
            pool = self._own_pool()
            first = self.update * own % len(pool.actions)
            rows = (first + np.arange(own)) % len(pool.actions)
            parts.append(Sequences(*(x[rows] for x in pool)))
        return Sequences(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _stream(self, stage: int, batch: int) -> Stream:
        key = (stage, batch)
        if getattr(self, "_stream_key", None) != key:
            changes = self.config.stages[stage].stream
            self._stream_key = key
            self._stream_now = Stream(dataclasses.replace(self.config.stream, **changes), batch)
        return self._stream_now

    def _own_pool(self) -> Sequences:
        number = self.update // self.config.own_play.refresh
        if self._pool is None or self._pool[0] != number:
            stage = self.config.stages[self.config.stage_of(self.update)[0]]
            stream = dataclasses.replace(self.config.stream, **stage.stream)
            self._pool = (number, play_sequences(self.model, stream, self.config.own_play, number))
        return self._pool[1]
