"""One training run in several processes: which rows a process trains on, and sums over all of them.

``torchrun`` starts the processes; every one holds the whole model, computes the gradient of its own rows, and
all apply the same averaged gradient. Without ``torchrun`` there is one process and every sum is its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from torch import Tensor, distributed

from anymdp_bench import InvalidConfig

DEVICES = ("auto", "cpu", "cuda")


class Processes:
    """The processes of a run.

    Attributes:
        rank: Number of this one.
        world: How many there are.
    """

    def __init__(self, rank: int = 0, world: int = 1) -> None:
        """Describe processes that are connected already."""
        self.rank, self.world = rank, world

    @property
    def leads(self) -> bool:
        """Whether this one writes files and speaks to the user."""
        return self.rank == 0

    def rows(self, n: int) -> slice:
        """Rows of this process, of `n` rows of a part of a batch.

        Raises:
            InvalidConfig: they cannot be shared out equally.
        """
        if n % self.world:
            raise InvalidConfig(
                f"{n} sequences cannot be shared equally by {self.world} processes: change batch or share."
            )
        each = n // self.world
        return slice(self.rank * each, (self.rank + 1) * each)

    def sum(self, x: Tensor) -> Tensor:
        """Sum of a tensor over all processes; no gradient flows through it."""
        if self.world == 1:
            return x
        total = x.detach().clone()
        distributed.all_reduce(total)
        return total

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace every gradient by its mean over the processes, in one exchange."""
        if self.world == 1:
            return
        gradients = [x.grad for x in parameters if x.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        distributed.all_reduce(flat)
        flat /= self.world
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether the flag is set in some process."""
        return bool(self.sum(torch.tensor(float(flag), device=device)) > 0)

    def close(self) -> None:
        """Leave the group."""
        if self.world > 1:
            distributed.destroy_process_group()


def connect(device: torch.device) -> Processes:
    """Join the processes that ``torchrun`` started, or be the only one."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Processes()
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Processes(distributed.get_rank(), world)


def choose_device(name: str) -> torch.device:
    """Device by name; ``"auto"`` is the process's own GPU, or the CPU where there is none.

    Raises:
        InvalidConfig: there is no such device.
    """
    if name not in DEVICES:
        raise InvalidConfig(f"device={name!r} is not legal: give one of {', '.join(DEVICES)}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise InvalidConfig("device='cuda': torch finds no CUDA device here; give cpu.")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
