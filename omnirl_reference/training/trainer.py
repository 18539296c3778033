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

import torch
from torch import Tensor

from anymdp_bench import InvalidConfig, child_seed
from omnirl_reference.config.file import config_of, read_json
from omnirl_reference.config.training import TrainConfig
from omnirl_reference.model import checkpoint
from omnirl_reference.model.growth import begin_with
from omnirl_reference.model.model import OmniRL, count_parameters, detach
from omnirl_reference.model.shipped import NOTES, checkpoint_folder
from omnirl_reference.stream.data_set import DataSet
from omnirl_reference.training.batches import Batches, pool_tensors, restore_pool
from omnirl_reference.training.held_out import HeldOut, check_validation
from omnirl_reference.training.loss import Losses, losses
from omnirl_reference.training.processes import choose_device, connect
from omnirl_reference.training.segments import segments_of

Log = Callable[[dict[str, float]], None]
WATCHING = ("evaluate_every", "validate_every", "validation_bank", "validation_tasks", "checkpoint_minutes")
"""Fields that change nothing about what is learnt: a run may go on with other values."""


def _ignore(values: dict[str, float]) -> None:
    """Log nothing."""


class Trainer:
    """One training run in one folder; calling `run` again goes on where it stopped.

    Args:
        config: The whole run.
        folder: Where checkpoints go.
        device: ``"cpu"``, ``"cuda"`` or ``"auto"``.
        data: Files to take the batches from instead of the stream.

    Raises:
        InvalidConfig: the folder holds a checkpoint that is no run, or a run of another configuration or with
            other files; or the checkpoint to begin with is of another shape, or the validation tasks are
            larger than the model.
        UnknownName: there is no such checkpoint to begin with, or no such validation bank.

    Attributes:
        update: Updates that are done.
        skipped: Updates whose gradient was not finite, so that nothing was learnt from them.
        seconds: Time spent so far.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        device: str = "auto",
        *,
        data: DataSet | None = None,
    ) -> None:
        """Build the model, or restore the run that the folder holds."""
        self.config, self.folder = config, folder
        self._data = None if data is None else data.facts
        self._pieces: list[dict[str, Any]] = []
        check_validation(config)
        self.device = choose_device(device)
        self.processes = connect(self.device)
        torch.manual_seed(child_seed(config.seed, "omnirl", "weights") % 2**63)
        self.model = OmniRL(config.model).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.batches = Batches(config, self.model, self.processes, data)
        self.update = self.skipped = 0
        self.seconds = 0.0
        self._held_out: HeldOut | None = None
        tensors = checkpoint.load_training(folder)
        if tensors is not None:
            self._restore(tensors)
        elif (folder / NOTES).exists():
            raise InvalidConfig(f"{folder} holds a checkpoint that cannot go on; give another folder.")
        elif config.start:
            begin_with(self.model, checkpoint.load_model(checkpoint_folder(config.start))[0])
        self._begun = self._saved = self.update

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        notes = read_json(self.folder / NOTES)
        begun = config_of(notes)
        fields = {field.name for field in dataclasses.fields(TrainConfig)}.difference(WATCHING)
        other = sorted(name for name in fields if getattr(begun, name) != getattr(self.config, name))
        if notes.get("data") != self._data:
            other.append("data")
        if other:
            raise InvalidConfig(
                f"{self.folder} holds a run of another configuration (other {', '.join(other)}): "
                "give another folder, or what it was begun with."
            )
        self._pieces = notes.get("pieces", [])
        self.model.load_state_dict(
            {name.removeprefix("model."): x for name, x in tensors.items() if name.startswith("model.")}
        )
        checkpoint.restore_optimiser(self.optimiser, tensors)
        self.update = int(tensors["update"])
        self.seconds = float(tensors["seconds"])
        self.skipped = int(tensors.get("skipped", torch.tensor(0)))
        self.batches.pool = restore_pool(tensors)

    def save(self, notes: dict[str, Any]) -> None:
        """Write the checkpoint that resumes the run, and the model with its notes."""
        if not self.processes.leads:
            return
        tensors: dict[str, Tensor] = {f"model.{n}": x for n, x in self.model.state_dict().items()}
        tensors |= checkpoint.optimiser_tensors(self.optimiser)
        counts = {"update": self.update, "seconds": self.seconds, "skipped": self.skipped}
        tensors |= {name: torch.tensor(value) for name, value in counts.items()}
        facts = {
            "parameters": count_parameters(self.model),
            "updates": self.update,
            "skipped": self.skipped,
            "seconds": self.seconds,
            "data": self._data,
            "pieces": self._pieces_with(notes),
        }
        self._saved = self.update
        config = dataclasses.asdict(self.config)
        checkpoint.save_model(self.model, self.folder, {**config, **facts, **notes})
        checkpoint.save_training(self.folder, tensors | pool_tensors(self.batches.pool))

    def _pieces_with(self, notes: dict[str, Any]) -> list[dict[str, Any]]:
        """Where and with what code the parts of the run were made; `notes` are those of this one."""
        known = [piece for piece in self._pieces if piece["from_update"] < self._begun]
        last = {name: value for name, value in known[-1].items() if name != "from_update"} if known else {}
        return known if last == notes else [*known, {"from_update": self._begun, **notes}]

    def learning_rate(self, update: int) -> float:
        """Linear rise, then a cosine towards the final rate, then a linear fall over the cool-down."""
        c = self.config
        if update < c.warm_up:
            return c.learning_rate * (update + 1) / c.warm_up
        left = c.updates - update
        if left < c.cool_down:
            begin = self._cosine(c.updates - c.cool_down)
            return c.final_learning_rate + (begin - c.final_learning_rate) * left / c.cool_down
        return self._cosine(update)

    def _cosine(self, update: int) -> float:
        c = self.config
        share = (update - c.warm_up) / max(1, (c.cosine_updates or c.updates) - c.warm_up)
        fall = 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
        return c.final_learning_rate + (c.learning_rate - c.final_learning_rate) * fall

    def run(
        self,
        log: Log = _ignore,
        *,
        on_evaluation: Log = _ignore,
        notes: dict[str, Any] | None = None,
        until: int | None = None,
        minutes: float = math.inf,
    ) -> None:
        """Train until the last update, or so many, or for so many minutes; it is saved as it goes.

        Args:
            log: Told the figures of every update.
            on_evaluation: Told the figures of every evaluation.
            notes: Written beside the model.
            until: Stop when so many updates are done.
            minutes: Stop after the update in which so many minutes are over.
        """
        last = self.config.updates if until is None else min(self.config.updates, until)
        start = saved = time.monotonic()
        before, over = self.seconds, False
        while self.update < last and not over:
            log({"update": float(self.update), **self._one_update(), "skipped": float(self.skipped)})
            self._evaluate(on_evaluation)
            now = time.monotonic()
            self.seconds = before + now - start
            over = self.processes.any(now - start > 60 * minutes, self.device)
            if now - saved > 60 * self.config.checkpoint_minutes:
                self.save(notes or {})
                saved = now
        if self.update > self._saved:
            self.save(notes or {})

    def _evaluate(self, on_evaluation: Log) -> None:
        c = self.config
        at_end = self.update == c.updates
        measured = self.update % c.evaluate_every == 0 or at_end
        played = c.validate_every > 0 and (self.update % c.validate_every == 0 or at_end)
        if not (measured or played) or not self.processes.leads:
            return
        self._held_out = self._held_out or HeldOut(c)
        found = self._held_out.losses(self.model) if measured else {}
        found |= self._held_out.scores(self.model) if played else {}
        on_evaluation({"update": float(self.update), **found})

    def _one_update(self) -> dict[str, float]:
        rate = self.learning_rate(self.update)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        sums = self._accumulate()
        self.processes.average_gradients(self.model.parameters())
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip))
        if math.isfinite(norm):
            self.optimiser.step()
        else:
            self.skipped += 1
        self.update += 1
        return {**dict(zip(Losses._fields, sums, strict=True)), "norm": norm, "rate": rate}

    def _accumulate(self) -> list[float]:
        """Add up the gradients of this update's segments; return the batch's losses."""
        c = self.config
        batch = self.batches.get(self.update)
        parts = segments_of(batch, c.segment, c.position_warm_up, self.model)
        sums = torch.zeros(len(Losses._fields), dtype=torch.float64)
        seed = child_seed(c.seed, "omnirl", "codes", self.update)
        memory = self.model.initial_state(len(batch.actions), batch.targets.shape[-1], seed)
        weights = (c.policy_weight, c.next_state_weight, c.reward_weight)
        for part in parts:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=c.precision == "bfloat16"):
                predictions, memory = self.model(part.steps, part.actions, memory)
            memory = detach(memory)
            each = losses(predictions, part, self._mean_weight)
            total = sum(w * x for w, x in zip(weights, each, strict=True)) / len(parts)
            torch.as_tensor(total).backward()
            sums += torch.stack(each).detach().cpu() / len(parts)
        mean = self.processes.sum(sums.to(self.device)) / self.processes.world
        values: list[float] = mean.tolist()
        return values

    def _mean_weight(self, weight: Tensor) -> Tensor:
        return self.processes.sum(weight) / self.processes.world
