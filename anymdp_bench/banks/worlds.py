"""Banks of hand-made worlds: mostly one test task, and declared siblings to tune on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from anymdp_bench.banks.bank import Bank, TaskSequence
from anymdp_bench.banks.frozen import frozen_bank
from anymdp_bench.foundation.seeding import TASK_STREAM, child_seed, permutation, stream_keys
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.worlds import cliffwalking, darkroom, frozenlake, random_lake_map, switch2
from anymdp_bench.worlds.pendulum.task import PendulumTask

SIBLING_LAKES = 8
SIBLING_GRAVITIES = (2.0, 3.5, 7.0)
SIBLING_CLIFFS = (
    {"mirrored": True},
    {"columns": 8},
    {"columns": 16, "mirrored": True},
    {"rows": 6},
)
TRAIN_SHARE, VALIDATION_SHARE = 0.6, 0.2


@dataclasses.dataclass(frozen=True)
class WorldSource:
    """Where a bank of hand-made worlds comes from: the names and the makers of its splits."""

    name: str
    splits: Callable[[], dict[str, Sequence[Task]]]

    def bank(self) -> Bank:
        """Build the bank."""
        tasks = self.splits()
        frozen = frozen_bank(self.name)
        return Bank(
            name=self.name,
            rejected=frozen.rejected,
            **{
                split: TaskSequence(
                    f"{self.name}/{split}",
                    len(tasks[split]),
                    tasks[split].__getitem__,
                    frozen.fingerprints.get(split, ()),
                )
                for split in ("test", "validation", "train")
            },
        )


def _one(test: Task, siblings: Sequence[Task]) -> dict[str, Sequence[Task]]:
    return {"test": [test], "validation": siblings, "train": siblings}


def darkroom_corner(size: int) -> dict[str, Sequence[Task]]:
    """Goal in the corner, as in the paper; siblings are the three other corners and the centre."""
    last, middle = size - 1, size // 2
    others = (f"0,{last}", f"{last},0", "0,0", f"{middle},{middle}")
    return _one(darkroom(size=size), [darkroom(size=size, goal=goal) for goal in others])


def darkroom_goals(size: int) -> dict[str, Sequence[Task]]:
    """All goals in a fixed random order, the first 60 % to train on, then 20 % each."""
    key = stream_keys([child_seed(0, "bank", f"darkroom-{size}-goals")], TASK_STREAM)
    order = permutation(key, size * size)
    goals = [darkroom(size=size, goal=f"{cell // size},{cell % size}") for cell in order]
    first = round(TRAIN_SHARE * len(goals))
    second = first + round(VALIDATION_SHARE * len(goals))
    return {"train": goals[:first], "validation": goals[first:second], "test": goals[second:]}


def lake(is_slippery: bool) -> dict[str, Sequence[Task]]:
    """Gymnasium's 4x4 lake; siblings are random solvable 4x4 lakes."""
    siblings = [
        frozenlake(is_slippery=is_slippery, layout=random_lake_map(seed)) for seed in range(SIBLING_LAKES)
    ]
    return _one(frozenlake(is_slippery=is_slippery), siblings)


def cliff() -> dict[str, Sequence[Task]]:
    """Gymnasium's cliff; siblings are mirrored and other-sized ones."""
    return _one(cliffwalking(), [cliffwalking(**sibling) for sibling in SIBLING_CLIFFS])


def pendulum(g: float, start: str = "random") -> dict[str, Sequence[Task]]:
    """Discrete-Pendulum of one gravity, shaped reward; siblings have other gravities and the same start."""
    return _one(
        PendulumTask(g=g, start=start, reward="shaped"),
        [PendulumTask(g=s, start=start, reward="shaped") for s in SIBLING_GRAVITIES],
    )


def switch() -> dict[str, Sequence[Task]]:
    """Two-player Switch, shaped reward; the sibling starts from mirrored cells."""
    return _one(switch2(reward="shaped"), [switch2(reward="shaped", starts="mirrored")])
