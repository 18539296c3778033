"""Training: every update looks at all lanes of one pool and lets them live on; exact resume."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from anymdp_bench import InvalidConfig, child_seed
from omnirl_reference.config.file import read_json
from omnirl_reference.exact.batch import losses, make_batch, write_tables
from omnirl_reference.exact.checkpoint import load_network, save_network
from omnirl_reference.exact.config import KIND, WATCHING, ExactConfig, exact_config
from omnirl_reference.exact.families import FewTasks
from omnirl_reference.exact.lanes import Lanes
from omnirl_reference.exact.network import ExactNetwork, blind, count_parameters
from omnirl_reference.model.checkpoint import (
    load_training,
    optimiser_tensors,
    restore_optimiser,
    save_training,
)
from omnirl_reference.model.shipped import NOTES, checkpoint_folder

Log = Callable[[dict[str, float]], None]
AVERAGE_RISE = 50
"""Updates over which the moving average begins to remember."""
SCALE = 1 / 2**63


def _ignore(values: dict[str, float]) -> None:
    """Log nothing."""


class ExactTrainer:
    """One training run in one folder; calling `run` again goes on where it stopped.

    Raises:
        InvalidConfig: the folder holds a checkpoint that is no run, or a run of another configuration.
        UnknownName: there is no such checkpoint to begin with.

    Attributes:
        update: Updates that are done.
        skipped: Updates whose gradient was not finite, so that nothing was learnt from them.
        seconds: Time spent so far.
        average: The moving average of the weights, which ships.
    """

    def __init__(self, config: ExactConfig, folder: Path) -> None:
        """Build network and lanes, or restore the run that the folder holds."""
        self.config, self.folder = config, folder
        torch.manual_seed(child_seed(config.seed, "exact", "weights") % 2**63)
        self.network = ExactNetwork(config.width, config.rounds)
        self.average = ExactNetwork(config.width, config.rounds)
        if config.start:
            self.network.load_state_dict(load_network(checkpoint_folder(config.start))[0].state_dict())
        blind(self.network, config.blind)
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(),
            config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
        )
        self.lanes: dict[int, Lanes] = {}
        self.update = self.skipped = 0
        self.seconds = 0.0
        self._pieces: list[dict[str, Any]] = []
        shares = np.cumsum([pool.share for pool in config.pools])
        self._places = shares / shares[-1]
        tensors = load_training(folder)
        if tensors is not None:
            self._restore(tensors)
        elif (folder / NOTES).exists():
            raise InvalidConfig(f"{folder} holds a checkpoint that cannot go on; give another folder.")
        self._begun = self._saved = self.update

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        notes = read_json(self.folder / NOTES)
        begun = exact_config(notes.get("config", {}))
        fields = {field.name for field in dataclasses.fields(ExactConfig)}.difference(WATCHING)
        other = sorted(name for name in fields if getattr(begun, name) != getattr(self.config, name))
        if other:
            raise InvalidConfig(
                f"{self.folder} holds a run of another configuration (other {', '.join(other)}): "
                "give another folder, or what it was begun with."
            )
        self._pieces = notes.get("pieces", [])
        for name, network in (("network", self.network), ("average", self.average)):
            part = {
                key.removeprefix(f"{name}."): x for key, x in tensors.items() if key.startswith(f"{name}.")
            }
            network.load_state_dict(part)
        restore_optimiser(self.optimiser, tensors)
        self.update, self.skipped = int(tensors["update"]), int(tensors["skipped"])
        self.seconds = float(tensors["seconds"])
        for number in range(len(self.config.pools)):
            start = f"lanes.{number}."
            arrays = {}
            for key, x in tensors.items():
                if key.startswith(start):
                    name = key.removeprefix(start)
                    arrays[name] = x.numpy().view(np.uint64) if name in UNSIGNED else x.numpy()
            if arrays:
                self._lanes(number).restore(arrays)

    def _lanes(self, number: int) -> Lanes:
        """Lanes of a pool, made when they are first needed."""
        if number not in self.lanes:
            seed = child_seed(self.config.seed, "exact", "pool", number)
            self.lanes[number] = lanes_of(self.config, number, seed)
        return self.lanes[number]

    def save(self, notes: dict[str, Any]) -> None:
        """Write what resumes the run, and the averaged network with its notes."""
        tensors: dict[str, Tensor] = {}
        for name, network in (("network", self.network), ("average", self.average)):
            tensors |= {f"{name}.{key}": x for key, x in network.state_dict().items()}
        tensors |= optimiser_tensors(self.optimiser)
        for number, lanes in self.lanes.items():
            for key, x in lanes.tensors().items():
                kept = x.view(np.int64) if key in UNSIGNED else x
                tensors[f"lanes.{number}.{key}"] = torch.from_numpy(kept)
        counts = {"update": self.update, "skipped": self.skipped, "seconds": self.seconds}
        tensors |= {name: torch.tensor(value, dtype=torch.float64) for name, value in counts.items()}
        facts = {
            "name": self.config.name,
            "config": {"kind": KIND, **dataclasses.asdict(self.config)},
            "parameters": count_parameters(self.average),
            "updates": self.update,
            "skipped": self.skipped,
            "seconds": round(self.seconds, 1),
            "pieces": self._pieces_with(notes),
        }
        self._saved = self.update
        save_network(self.average, self.folder, {**facts, **notes})
        save_training(self.folder, tensors)

    def _pieces_with(self, notes: dict[str, Any]) -> list[dict[str, Any]]:
        """Where and with what code the parts of the run were made; `notes` are those of this one."""
        known = [piece for piece in self._pieces if piece["from_update"] < self._begun]
        last = {name: value for name, value in known[-1].items() if name != "from_update"} if known else {}
        return known if last == notes else [*known, {"from_update": self._begun, **notes}]

    def learning_rate(self, update: int) -> float:
        """Linear rise, times a cosine from 1 to the final share."""
        c = self.config
        rise = min(1.0, (update + 1) / c.warm_up) if c.warm_up else 1.0
        fall = 0.5 * (1 + math.cos(math.pi * min(update / c.updates, 1.0)))
        return c.learning_rate * rise * (c.final_rate + (1 - c.final_rate) * fall)

    def pool_of(self, update: int) -> int:
        """Number of the pool whose turn it is."""
        place = child_seed(self.config.seed, "exact", "turn", update) * SCALE
        return min(int(np.searchsorted(self._places, place, side="right")), len(self._places) - 1)

    def run(
        self,
        log: Log = _ignore,
        *,
        notes: dict[str, Any] | None = None,
        until: int | None = None,
        minutes: float = math.inf,
    ) -> None:
        """Train until the last update, or so many, or for so many minutes; it is saved as it goes.

        Args:
            log: Told the figures of every update.
            notes: Written beside the network.
            until: Stop when so many updates are done.
            minutes: Stop after the update in which so many minutes are over.
        """
        last = self.config.updates if until is None else min(self.config.updates, until)
        start = saved = time.monotonic()
        before = self.seconds
        while self.update < last and time.monotonic() - start < 60 * minutes:
            log({"update": float(self.update), **self._one_update(), "skipped": float(self.skipped)})
            now = time.monotonic()
            self.seconds = before + now - start
            if now - saved > 60 * self.config.checkpoint_minutes:
                self.save(notes or {})
                saved = now
        if self.update > self._saved:
            self.save(notes or {})

    def _one_update(self) -> dict[str, float]:
        rate = self.learning_rate(self.update)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        number = self.pool_of(self.update)
        lanes = self._lanes(number)
        lanes.tick()
        batch = make_batch(lanes)
        answers = self.network(batch.inputs)
        each = losses(answers, batch.labels)
        total = each.policy + self.config.quantile_weight * (each.values + each.gains)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip))
        if math.isfinite(norm):
            self.optimiser.step()
            blind(self.network, self.config.blind)
        else:
            self.skipped += 1
        write_tables(lanes, answers, batch.scale)
        self.update += 1
        self._follow()
        figures = {name: float(value.detach()) for name, value in each._asdict().items()}
        return {"pool": float(number), **figures, "norm": norm, "rate": rate}

    def _follow(self) -> None:
        """Move the average on."""
        old = min(self.config.average, self.update / (self.update + AVERAGE_RISE))
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(now, 1 - old)


def lanes_of(config: ExactConfig, number: int, seed: int) -> Lanes:
    """Lanes of a pool; `seed` is that of their lives, the pool's few tasks are the configuration's."""
    pool = config.pools[number]
    family = pool.tasks
    if pool.n_tasks is not None:
        root = child_seed(config.seed, "exact", "tasks", number)
        family = dataclasses.replace(family, few=FewTasks(pool.n_tasks, root))
    own_play = config.own_play
    return Lanes(family, pool.lanes, pool.life, config.label_temperature, seed, own_play=own_play)


UNSIGNED = ("state.keys", "state.streams")
"""Tensors kept as int64, bit by bit."""
