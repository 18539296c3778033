"""Attacks on what a submission says of itself: fields, specification, tasks, references."""

from __future__ import annotations

from tests.support.hostile.parts import (
    Parts,
    Random,
    leaf_paths,
    parent_of,
)


def wrong_type(parts: Parts, rng: Random) -> None:
    leaves = [path for path in leaf_paths(parts.values) if path[:2] != ("agent", "config")]
    path = leaves[int(rng.integers(len(leaves)))]
    parent = parent_of(parts.values, path)
    wrong = [{"x": 1}, [1], [[]], True, 1.5, "x\u0000"]
    kind = type(parent[path[-1]])
    choices = [value for value in wrong if type(value) is not kind and not (kind is float and value == 1.5)]
    parent[path[-1]] = choices[int(rng.integers(len(choices)))]


def missing_field(parts: Parts, rng: Random) -> None:
    top = [key for key in parts.values if key != "board"]
    groups = [name for name in ("agent", "machine", "code") if name in parts.values]
    inner = [(name, key) for name in groups for key in parts.values[name]]
    paths = [(key,) for key in top] + inner + [("board", "name"), ("board", "bank")]
    path = paths[int(rng.integers(len(paths)))]
    del parent_of(parts.values, path)[path[-1]]


def added_field(parts: Parts, rng: Random) -> None:
    inner = [parts.values[name] for name in ("agent", "board", "machine") if name in parts.values]
    where = [parts.values, *inner][int(rng.integers(1 + len(inner)))]
    where[str(rng.choice(["score", "__class__", "py/object", "\u200b", "performance"]))] = 1.0


def another_specification(parts: Parts, rng: Random) -> None:
    board = parts.values["board"]
    field = str(rng.choice([name for name in board if name not in ("name", "n_tasks")]))
    board[field] = {int: 10**9, float: 0.9, str: "x", type(None): "x"}[type(board[field])]


def other_tasks(parts: Parts, rng: Random) -> None:
    prints = parts.values["fingerprints"]
    choice = int(rng.integers(4))
    if choice == 0:
        prints[int(rng.integers(2))] = f"{int(rng.integers(2**62)):064x}"
    elif choice == 1:
        prints.reverse()
    elif choice == 2:
        prints.pop()
    else:
        prints.append(prints[0])


def other_references(parts: Parts, rng: Random) -> None:
    name = str(rng.choice(["random", "oracle", "optimal"]))
    task = int(rng.integers(2))
    values = parts.values["references"][name]
    values[task] = (
        None if rng.random() < 0.3 else values[task] + float(rng.choice([-1, 1]) * 10 ** rng.uniform(-5, 5))
    )


def another_track(parts: Parts, rng: Random) -> None:
    parts.values["agent"]["learner"] = not parts.values["agent"]["learner"]
