"""Build the site from 1,000 synthetic submissions; print time, memory and sizes, and fail if too large.

Run it in a fresh process: ``python -m tests.support.scale_boards [number of submissions]``.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from anymdp_bench.leaderboard.site.build import build_site
from anymdp_bench.leaderboard.standings.files import write_tables
from anymdp_bench.leaderboard.standings.listed import listed_boards
from anymdp_bench.leaderboard.standings.load import load_standings
from anymdp_bench.leaderboard.standings.overall import NAME
from anymdp_bench.leaderboard.standings.tables import tables
from anymdp_bench.leaderboard.submissions.facts import board_facts
from tests.support.synthetic import write_submission

MOST_SECONDS = 60
MOST_MEMORY = 1 << 30
MOST_BYTES = 500_000
AGENTS = 40
"""Different names, so that agents stand on many boards."""


def write_all(root: Path, n: int) -> None:
    """Spread `n` submissions over the listed boards; every second one is a learner, some play 16 tasks."""
    boards = listed_boards()
    for i in range(n):
        facts = board_facts(boards[i % len(boards)])
        turn = i // len(boards)
        n_tasks = 16 if facts.n_tasks > 16 and turn % 5 == 4 else None
        level = 0.3 + 0.6 * (turn % AGENTS) / AGENTS
        write_submission(
            root, facts, f"agent-{turn}", learner=bool(turn % 2), n_tasks=n_tasks, level=level, seed=i
        )


def first_view(site: Path) -> int:
    """Bytes that the first page makes a browser load."""
    scripts = (f"static/{name}" for name in USED)
    return sum((site / name).stat().st_size for name in ("index.html", f"data/leaders/{NAME}.js", *scripts))


USED = ("style.css", "theme.js", "tables.js", "chart.js", "leaders.js")


def main(n: int) -> int:
    """Write, build, measure."""
    with tempfile.TemporaryDirectory() as scratch:
        root, site = Path(scratch) / "leaderboards", Path(scratch) / "site"
        write_all(root, n)
        board_facts.cache_clear()
        began = time.perf_counter(), time.process_time()
        standings = load_standings(root)
        loaded = time.perf_counter()
        write_tables(root, tables(standings))
        build_site(standings, site)
        wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        size = first_view(site)
        pages = [path.stat().st_size for path in site.rglob("*") if path.is_file()]
    print(  # noqa: T201
        f"{n} submissions: {wall:.1f} s (CPU {cpu:.1f} s; reading and scoring {loaded - began[0]:.1f} s), "
        f"peak {peak / 2**20:.0f} MiB, first view {size / 1000:.0f} kB, "
        f"site {sum(pages) / 1e6:.1f} MB in {len(pages)} files, largest {max(pages) / 1000:.0f} kB"
    )
    return int(wall > MOST_SECONDS or peak > MOST_MEMORY or size > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
