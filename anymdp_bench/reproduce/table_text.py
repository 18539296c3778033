"""The paper's main table with our results as Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import pandas as pd

from anymdp_bench.evaluation.paper import METHODS
from anymdp_bench.evaluation.report import DASH, count_text, interval_text, percent_text
from anymdp_bench.reproduce.document import lines_of, pipe_table
from anymdp_bench.reproduce.table import paper_figures, paper_rows

Line: TypeAlias = Mapping[str, Any]
Columns: TypeAlias = Sequence[tuple[str, Callable[[Line], str]]]
ZERO = "uniform"
"""Agent whose performance is 0 by definition."""


def markdown(frame: pd.DataFrame) -> str:
    """All texts: a glance, for each agent the table and how it compares, then raw returns and commands."""
    parts = ["### At a glance", GLANCE_TEXT, glance(frame, PERFORMANCE), STEPS_TEXT, glance(frame, STEPS)]
    for agent in dict.fromkeys(frame["agent"]):
        lines = frame[frame["agent"] == agent]
        parts += [f"### {agent}", _table(_score_columns(agent), lines), comparison(lines)]
    played = frame[frame["status"] == "run"]
    if "raw_return" in played and played["raw_return"].notna().any():
        single = played[played["raw_return"].notna()]
        parts += ["### Raw returns", RAW_TEXT, _table(RAW_COLUMNS, single)]
    parts += ["### Commands", _table(COMMAND_COLUMNS, played)]
    return "\n\n".join(part for part in parts if part) + "\n"


class Glance(NamedTuple):
    """A figure of the paper that all agents are compared by.

    Attributes:
        column: Ours.
        figure: The paper's.
        text: How it is written.
        reaches: Whether ours is at least as good; False where the paper has none.
    """

    column: str
    figure: str
    text: Callable[[float], str]
    reaches: Callable[[pd.DataFrame], pd.Series[bool]]


def at_or_above(lines: pd.DataFrame) -> pd.Series[bool]:
    """Whether a performance, as it is printed, is at or above the paper's."""
    return lines["performance"].round(3) >= lines["paper_performance"].round(3)


def no_later(lines: pd.DataFrame) -> pd.Series[bool]:
    """Whether 99 % are reached after no more steps than the paper's."""
    return lines["steps_to_99"] <= lines["paper_steps"]


PERFORMANCE = Glance("performance", "performance", percent_text, at_or_above)
STEPS = Glance("steps_to_99", "steps", count_text, no_later)
GLANCE_TEXT = (
    "Performance in %: 0 is uniform play, 100 the oracle. Bold is at or above the paper's figure for the "
    "method that the agent stands for; intervals, and what a dash means, stand in the tables below."
)
STEPS_TEXT = (
    "Environment steps to 99 % of an agent's own best mean; how good that is stands in the table above. Bold "
    "is no more than the paper's."
)


def glance(frame: pd.DataFrame, shown: Glance) -> str:
    """One figure, an agent a column; after them the paper's methods."""
    agents = [agent for agent in dict.fromkeys(frame["agent"]) if agent != ZERO]
    methods = list(dict.fromkeys(METHODS.values()))
    played = frame[frame["status"] == "run"]
    lines = [] if played.empty else lines_of(played.assign(reaches=shown.reaches(played)))
    cells = {(line["environment"], line["agent"]): _cell(line, shown) for line in lines}
    rows = []
    for environment, board in paper_rows():
        ours = [cells.get((environment, agent), DASH) for agent in agents]
        figures = [getattr(paper_figures(board.bank, method), shown.figure) for method in methods]
        rows.append([environment, *ours, *map(shown.text, figures)])
    numbers = [*agents, *(f"paper: {method}" for method in methods)]
    return pipe_table([("environment", "---"), *((name, "---:") for name in numbers)], rows)


def _cell(line: Line, shown: Glance) -> str:
    text = shown.text(line[shown.column])
    return f"**{text}**" if line["reaches"] else text


RAW_TEXT = (
    "Rows of one task. The return is that at the performance above; 0 % is uniform play, 100 % the oracle "
    "(for Discrete-Pendulum with random start the best of five long-trained policies on the 60 ids, else the "
    "constant of the authors' code). The optimum is that of "
    "the finite horizon (for Discrete-Pendulum of an agent that sees angle and speed, on a grid). Public "
    "code: the score with the constants of the authors' code (-40, -200, -385) as 100 %, against which the "
    "paper's Pendulum figures are read; it belongs to a fixed start."
)


def _tasks_text(line: Line) -> str:
    if line["status"] != "run":
        return ""
    tasks, runs = int(line["tasks"]), int(line["runs"])
    return f"{tasks} tasks" if tasks > 1 else f"{runs} run{'s' if runs > 1 else ''}"


def _performance_text(line: Line) -> str:
    return interval_text(line, "performance") if line["status"] == "run" else str(line["status"])


def _counted(name: str) -> Callable[[Line], str]:
    return lambda line: count_text(line[name]) if line["status"] == "run" else ""


def _percent(name: str) -> Callable[[Line], str]:
    return lambda line: percent_text(line.get(name, math.nan))


def _paper_count(name: str) -> Callable[[Line], str]:
    return lambda line: count_text(line[name])


def _number(name: str) -> Callable[[Line], str]:
    return lambda line: f"{line[name]:.4g}"


def _seconds(line: Line) -> str:
    return f"{line['seconds']:.0f}" if line["status"] == "run" else ""


def _score_columns(agent: str) -> Columns:
    has_paper = agent in METHODS
    pairs = [
        ("performance %", _performance_text, _percent("paper_performance")),
        ("steps to 99 %", _counted("steps_to_99"), _paper_count("paper_steps")),
        ("episodes to 99 %", _counted("episodes_to_99"), _paper_count("paper_episodes")),
    ]
    columns: list[tuple[str, Callable[[Line], str]]] = [
        ("environment", lambda line: str(line["environment"])),
        ("played", _tasks_text),
    ]
    for header, ours, paper in pairs:
        columns += [(header, ours), ("paper", paper)] if has_paper else [(header, ours)]
    return [
        *columns,
        ("asymptotic %", lambda line: percent_text(line["asymptotic"]) if line["status"] == "run" else ""),
        ("seconds", _seconds),
    ]


RAW_COLUMNS: Columns = [
    ("environment", lambda line: str(line["environment"])),
    ("agent", lambda line: str(line["agent"])),
    ("return", _number("raw_return")),
    ("uniform", _number("random_return")),
    ("100 %", _number("oracle_return")),
    ("optimum", _number("optimal_return")),
    ("share of optimum %", _percent("share_of_optimum")),
    ("public code %", _percent("public_code_score")),
]
COMMAND_COLUMNS: Columns = [
    ("environment", lambda line: str(line["environment"])),
    ("agent", lambda line: str(line["agent"])),
    ("command", lambda line: f"`{line['command']}`"),
]


def _table(columns: Columns, frame: pd.DataFrame) -> str:
    left = ("environment", "agent", "command")
    headers = [(header, "---" if header in left else "---:") for header, _ in columns]
    return pipe_table(headers, [[text(line) for _, text in columns] for line in lines_of(frame)])


def comparison(lines: pd.DataFrame) -> str:
    """How often an agent is at or above the paper's figure; empty where the paper has none."""
    known = lines[lines["paper_performance"].notna() & (lines["status"] == "run")]
    if known.empty:
        return ""
    above = at_or_above(known)
    below = ", ".join(known["environment"][~above])
    tail = f" Below: {below}." if below else ""
    return (
        f"At or above the paper's performance on {above.sum()} of {len(known)} rows; no more steps to 99 % "
        f"on {no_later(known).sum()} of {len(known)}.{tail}"
    )
