"""After recorded episodes: how agents begin, and how they end.

References:
    arXiv 2502.02869, imitation and offline learning with teachers of different quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from anymdp_bench.evaluation.boards import BOARDS
from anymdp_bench.leaderboard.submissions.submission import read_submission
from anymdp_bench.reproduce.document import lines_of, pipe_table
from anymdp_bench.scoring import curve
from anymdp_bench.scoring.intervals import mean_interval

FIRST_EPISODES = 20
LIVED_BLOCK = 10
"""Lived episodes of which entries keep the mean."""
AROUND = (10, 30)
"""Around `FIRST_EPISODES` for an in-context agent: above the first number of episodes, up to the second."""
TEACHERS = {"oracle": "the oracle", "noisy-oracle-0.5": "half oracle, half chance", "uniform": "uniform play"}


def recorded_frame(root: Path, agents: Sequence[str]) -> pd.DataFrame:
    """Scores of kept entries: lived in the first 20 own episodes, around the 20th, and of the last point.

    Args:
        root: Folder of the leaderboards; entries are ``submissions/<board>/<agent>``.
        agents: Names of entries.

    Returns:
        Columns: bank, teacher, board, agent, learner, first, first_low, first_high, after, last. Scores are
        means over tasks and runs, the interval is one of 95 %. Of a learner, first is what it lived while
        it trained, after and last are test episodes.

    Raises:
        SubmissionRefused: an entry is damaged.
    """
    rows = []
    for name, board in BOARDS.items():
        for agent in agents:
            folder = root / "submissions" / name / agent
            if board.teacher is None or not folder.is_dir():
                continue
            submission = read_submission(folder)
            record = submission.record
            points = curve(record)
            learner = submission.metadata.agent.learner
            lived = curve(record, LIVED_BLOCK)
            begin = lived[lived["episodes"] <= FIRST_EPISODES].groupby(["task", "run"])["score"].mean()
            first = begin.to_numpy()
            low, high = mean_interval(first, begin.index.get_level_values("task").to_numpy())
            least, most = (FIRST_EPISODES - 1, FIRST_EPISODES) if learner else AROUND
            after = points[points["episodes"].between(least, most, inclusive="right")]["score"].mean()
            end = points[points["episodes"] == points["episodes"].max()]["score"].mean()
            rows.append(
                {
                    "bank": board.bank,
                    "teacher": board.teacher,
                    "board": name,
                    "agent": agent,
                    "learner": learner,
                    "first": first.mean(),
                    "first_low": low,
                    "first_high": high,
                    "after": float(after),
                    "last": float(end),
                }
            )
    return pd.DataFrame(rows)


def recorded_text(frame: pd.DataFrame) -> str:
    """The frame as a Markdown table, a line for each board and a column for each agent."""
    agents = list(dict.fromkeys(frame["agent"]))
    cells = {(line["board"], line["agent"]): line for line in lines_of(frame)}
    boards = frame.drop_duplicates("board")[["board", "bank", "teacher"]]
    rows = []
    for line in lines_of(boards):
        texts = [_cell(cells.get((line["board"], agent))) for agent in agents]
        rows.append([line["bank"], TEACHERS[line["teacher"]], *texts])
    learners = set(frame[frame["learner"]]["agent"])
    titles = [f"{agent} *" if agent in learners else agent for agent in agents]
    table = pipe_table([("tasks", "---"), ("teacher", "---"), *((title, "---:") for title in titles)], rows)
    note = (
        f"Score in % of own episodes 1-{FIRST_EPISODES} after 100 recorded ones [95 % interval over tasks, "
        "or over runs of a single task], then of episodes "
        f"{AROUND[0] + 1}-{AROUND[1]}, then of the last evaluation point. * learner: trains on the recorded "
        "episodes and on its own, in which it also explores; the second and third figure are of test "
        f"episodes, after {FIRST_EPISODES} own ones and at the end. Each cell is the entry of this "
        "name, from `anymdp-bench run AGENT --board <tasks>-<protocol>-v0`."
    )
    return f"{table}\n\n{note}\n"


def _cell(line: object) -> str:
    if not isinstance(line, dict):
        return "-"
    low, high = 100 * line["first_low"], 100 * line["first_high"]
    begin = f"{100 * line['first']:.1f} [{low:.0f}, {high:.0f}]"
    return f"{begin} → {100 * line['after']:.1f} → {100 * line['last']:.1f}"
