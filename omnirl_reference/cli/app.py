"""The application: all commands, and what becomes of mistakes."""

from __future__ import annotations

import sys

import typer

from anymdp_bench import BenchError
from anymdp_bench.cli.options import Version
from anymdp_bench.foundation.extras import missing_module
from anymdp_bench.foundation.stopping import stopping_cleanly
from omnirl_reference.cli import playing, training
from omnirl_reference.studies.commands import study_app
from omnirl_reference.studies.sequence import add_to as add_sequence

USER_ERROR = 2

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
training.add_to(app)
playing.add_to(app)
add_sequence(app)
app.add_typer(study_app, name="study")


@app.callback()
def _common(
    version: Version = False,
) -> None:
    """Train and evaluate in-context agents of the OmniRL kind."""


def main() -> None:
    """Run the command; a mistake of the user's is told in one line, with exit status 2."""
    try:
        with stopping_cleanly():
            app()
    except ModuleNotFoundError as error:
        told = missing_module(error, "This command")
        if told is error:
            raise
        _stop(str(told))
    except (BenchError, OSError) as error:
        _stop(str(error))


def _stop(text: str) -> None:
    sys.stderr.write(f"omnirl: {' '.join(text.split())}\n")
    sys.exit(USER_ERROR)
