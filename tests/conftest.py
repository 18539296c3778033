from typing import Any

from tests.support.ratios import summary


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Print the ratios that benchmarks reported."""
    session = getattr(config, "_benchmarksession", None)
    lines = summary(session) if session is not None else []
    if lines:
        terminalreporter.section("ratios of CPU time")
        terminalreporter.write_line("\n".join(lines))
