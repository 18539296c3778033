"""Options and progress bars that commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from omnirl_reference.playing.validation import Watch

Threads = Annotated[int, typer.Option(help="Threads of torch.", min=1)]
Config = Annotated[str, typer.Argument(help="A file, or the name of a configuration that ships.")]
Out = Annotated[Path, typer.Option(help="Folder to write to.")]
First = Annotated[float | None, typer.Option(help="First temperature, online.")]
Last = Annotated[float | None, typer.Option(help="Last temperature, online.")]
Steps = Annotated[int | None, typer.Option(help="Steps over which it falls.")]
Views = Annotated[int | None, typer.Option(help="Relabelled copies of a task that decide together.")]
WithContext = Annotated[float | None, typer.Option(help="Temperature after a recorded context.")]
Options = Annotated[
    list[str] | None, typer.Option("--option", help="KEY=VALUE, how an exact-memory agent acts.")
]


@contextmanager
def plays() -> Iterator[Callable[[str], Watch]]:
    """Progress bars, one for each play: call it with a title, then tell what it gives."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:

        def begin(title: str) -> Watch:
            bar = progress.add_task(title, total=1.0)
            return lambda share: progress.update(bar, completed=share)

        yield begin


def given(**options: Any) -> dict[str, Any]:
    """Options that were given; the others keep their defaults."""
    return {name: value for name, value in options.items() if value is not None}
