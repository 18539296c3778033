"""Banks of hand-made worlds: mostly one test task, and declared siblings to tune on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from anymdp_bench.banks.bank import Bank, TaskSequence
from anymdp_bench.banks.frozen import frozen_bank
from anymdp_bench.foundation.seeding import TASK_STREAM, child_seed, permutation, stream_keys
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.worlds import cliffwalking, darkroom, frozenlake, random_lake_map, switch2
from anymdp_bench.worlds.darkroom import USUAL
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
    return _split_goals([darkroom(size=size, goal=goal) for goal in _shuffled_goals(size)])


def darkroom_moves(size: int, repeats: int) -> dict[str, Sequence[Task]]:
    """The same goals, where every task has each move `repeats` times in a random order of its own."""
    key = stream_keys([child_seed(0, "bank", f"darkroom-{size}-goals", "moves", repeats)], TASK_STREAM)
    actions = USUAL * repeats
    return _split_goals(
        [
            darkroom(size=size, goal=goal, moves="".join(actions[k] for k in permutation(key, len(actions))))
            for goal in _shuffled_goals(size)
        ]
    )


def _shuffled_goals(size: int) -> list[str]:
    key = stream_keys([child_seed(0, "bank", f"darkroom-{size}-goals")], TASK_STREAM)
    return [f"{cell // size},{cell % size}" for cell in permutation(key, size * size)]


def _split_goals(tasks: Sequence[Task]) -> dict[str, Sequence[Task]]:
    first = round(TRAIN_SHARE * len(tasks))
    second = first + round(VALIDATION_SHARE * len(tasks))
    return {"train": tasks[:first], "validation": tasks[first:second], "test": tasks[second:]}


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
