from typing import Any

import joblib
import pytest

from tests.support.ratios import summary

MOST_WORKERS = 4
"""Each holds torch and compiled kernels: about a GiB."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Processes of ``-n auto``: one a core that may be used."""
    return min(MOST_WORKERS, joblib.cpu_count())


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Print the ratios that benchmarks reported."""
    session = getattr(config, "_benchmarksession", None)
    lines = summary(session) if session is not None else []
    if lines:
        terminalreporter.section("ratios of CPU time")
        terminalreporter.write_line("\n".join(lines))
