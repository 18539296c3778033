"""Is AnyMDP harder than Garnet, and is it the composite reward that makes it so?

References:
    arXiv 2502.02869, learning curves of TQL and PPO on AnyMDP, AnyMDP without composite reward, and Garnet.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from anymdp_bench.banks import BOARD_TASKS
from anymdp_bench.banks.sampled import SampledSource
from anymdp_bench.evaluation.boards import get_board
from anymdp_bench.evaluation.report import interval_text
from anymdp_bench.reproduce.compact import Compact
from anymdp_bench.reproduce.document import lines_of, pipe_table
from anymdp_bench.reproduce.figures import add_legend, new_figure, save_figure
from anymdp_bench.reproduce.runs import Cell
from anymdp_bench.scoring.intervals import mean_interval
from anymdp_bench.tasks.protocol import Task

SIZES = (16, 64)
ANYMDP, FLAT, GARNET_2, GARNET_4 = "AnyMDP", "AnyMDP without CR", "Garnet b=2", "Garnet b=4"
VARIANTS = (ANYMDP, FLAT, GARNET_2, GARNET_4)
CHECKPOINTS = (100, 1_000, 10_000)
"""Training episodes at which scores are compared."""
STATEMENT = (
    "The paper: AnyMDP is the harder family for both learners; without composite reward it comes close to "
    "Garnet, on which they score high from the start. Read from its figure for TQL with 16 states, after 100 "
    "and 10,000 episodes: AnyMDP .38 and .88, without composite reward .86 and .95, Garnet with branching 2 "
    ".94 and .98, with branching 4 .93 and .97."
)

FIGURE = "![Learning curves by family](figures/e6.svg)"


def difficulty_cells(agents: Sequence[str], n_tasks: int | None = None) -> dict[tuple[str, int, str], Cell]:
    """Cells by (agent, number of states, variant); AnyMDP and Garnet b=2 are rows of the paper's table.

    `n_tasks` is for cells without a kept result: those of the paper's table are as long as they are there.
    """
    return {
        (agent, size, variant): _cell(agent, size, variant, n_tasks)
        for agent in agents
        for size in SIZES
        for variant in VARIANTS
    }


def _cell(agent: str, size: int, variant: str, n_tasks: int | None) -> Cell:
    count = BOARD_TASKS if n_tasks is None else n_tasks
    if variant in (ANYMDP, GARNET_2):
        bank = f"anymdp-{size}x5-v0" if variant == ANYMDP else f"garnet-{size}x5b2-v0"
        board = dataclasses.replace(get_board(bank), n_tasks=count)
        return Cell(agent, board, bank, any_tasks=True)
    settings_of = f"anymdp-{size}x5-v0" if variant == FLAT else f"garnet-{size}x5b2-v0"
    source = _source(size, variant)
    board = dataclasses.replace(get_board(settings_of), name=f"difficulty-{source.name}", n_tasks=count)
    return Cell(agent, board, settings_of, partial(_draw, source, count), any_tasks=True)


def _source(size: int, variant: str) -> SampledSource:
    if variant == FLAT:
        return SampledSource(f"anymdp-flat-{size}x5", "anymdp-flat", {"n_states": size, "n_actions": 5})
    config = {"n_states": size, "n_actions": 5, "branching": 4}
    return SampledSource(f"garnet-{size}x5b4", "garnet", config)


def _draw(source: SampledSource, count: int) -> list[Task]:
    return [source.draw("test", index)[0] for index in range(count)]


Results = Mapping[tuple[str, int, str], Compact]


def difficulty_frame(results: Results) -> pd.DataFrame:
    """Mean score with its 95 % interval over tasks at each checkpoint, one line a curve and checkpoint."""
    lines = []
    for (agent, size, variant), result in results.items():
        curve = result.curve()
        for episodes in CHECKPOINTS:
            at = curve[curve["episodes"] == episodes]
            low, high = mean_interval(at["score"].to_numpy(float), at["task"].to_numpy(np.int64))
            lines.append(
                {
                    "agent": agent,
                    "states": size,
                    "variant": variant,
                    "tasks": result.n_tasks,
                    "episodes": episodes,
                    "score": at["score"].mean(),
                    "score_low": low,
                    "score_high": high,
                }
            )
    return pd.DataFrame(lines)


def difficulty_text(frame: pd.DataFrame) -> str:
    """The scores as a Markdown table, the paper's statement, and whether these runs bear it out."""
    headers = {"agent": "---", "states": "---:", "family": "---", "tasks": "---:"}
    headers |= {f"after {episodes:,} episodes %": "---:" for episodes in CHECKPOINTS}
    rows = []
    for (agent, size, variant), part in frame.groupby(["agent", "states", "variant"], sort=False):
        scores = [interval_text(line, "score") for line in lines_of(part)]
        rows.append([str(agent), str(size), str(variant), str(part["tasks"].iloc[0]), *scores])
    table = pipe_table([*headers.items()], rows)
    return "\n\n".join([table, STATEMENT, *verdicts(frame), FIGURE]) + "\n"


def verdicts(frame: pd.DataFrame) -> list[str]:
    """For each agent and size, below which families' intervals AnyMDP's lies, and at which checkpoints."""
    return [
        _verdict(f"Ours, {agent}, {size} states", part)
        for (agent, size), part in frame.groupby(["agent", "states"], sort=False)
    ]


def _verdict(whose: str, part: pd.DataFrame) -> str:
    below = {
        variant: _harder_at(part, variant) for variant in VARIANTS[1:] if variant in set(part["variant"])
    }
    shares = [len(episodes) / len(CHECKPOINTS) for episodes in below.values()]
    said = "do not bear it out"
    if any(shares):
        said = "bear it out" if min(shares) == 1 else "bear it out in part"
    found = "; ".join(f"{variant} {_after(episodes)}" for variant, episodes in below.items())
    return f"{whose}: {said}. AnyMDP's interval lies below that of {found}."


def _harder_at(part: pd.DataFrame, variant: str) -> list[int]:
    """Checkpoints at which AnyMDP's interval lies below a variant's."""
    ours, theirs = (part[part["variant"] == name].set_index("episodes") for name in (ANYMDP, variant))
    both = ours.index.intersection(theirs.index)
    return [episodes for episodes in both if ours["score_high"][episodes] < theirs["score_low"][episodes]]


def _after(episodes: Sequence[int]) -> str:
    if not episodes:
        return "at no checkpoint"
    if len(episodes) == len(CHECKPOINTS):
        return "at every checkpoint"
    return f"after {' and '.join(f'{count:,}' for count in episodes)} episodes"


def draw_difficulty(results: Results, path: Path) -> None:
    """Draw mean test scores over training episodes, a panel for each agent and size."""
    panels = list(dict.fromkeys((agent, size) for agent, size, _ in results))
    figure, all_axes = new_figure(len(panels), columns=2)
    for axes, (agent, size) in zip(all_axes, panels, strict=True):
        for variant in VARIANTS:
            result = results.get((agent, size, variant))
            if result is not None:
                mean = result.curve().groupby("episodes")["score"].mean()
                axes.plot(mean.index, mean, label=variant)
        axes.set(xscale="log", xlabel="training episodes", ylabel="score", title=f"{agent}, {size} states")
    add_legend(figure, all_axes)
    save_figure(figure, path)
