"""The display of a run: bars in a terminal, lines anywhere else.

In: the progress of the runs of this process. Out: text on standard output, while the block runs.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from analytics_sync.extract.progress import Reading, RunProgress, followed, following

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

_SECONDS_BETWEEN_LOOKS = 0.2
_JOIN_SECONDS = 2.0


@contextmanager
def display(title: str) -> Iterator[None]:
    """Show the progress of what the block runs.

    Args:
        title: The first line.
    """
    print(title, flush=True)
    # A stream of its own: a run in Dagster writes standard output into a file.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as stream:
        if stream.isatty():
            with _bars(stream):
                yield
        else:
            with following(lambda line: _print_line(line, stream)):
                yield


def _print_line(line: str, stream: TextIO) -> None:
    print(f"{datetime.now():%H:%M:%S} {line}", file=stream, flush=True)


@contextmanager
def _bars(stream: TextIO) -> Iterator[None]:
    over = threading.Event()
    shown = threading.Thread(target=_show, args=(over, stream), name="display", daemon=True)
    shown.start()
    try:
        yield
    finally:
        over.set()
        shown.join(_JOIN_SECONDS)


def _show(over: threading.Event, stream: TextIO) -> None:
    """Draw bars until the run is over."""
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(bar_width=20),
        TextColumn("{task.fields[said]}", markup=False), TimeElapsedColumn(),
    )  # fmt: skip
    console = Console(file=stream, force_terminal=True)
    with Bars(*columns, console=console, transient=True) as bars:
        tasks: dict[int, object] = {}
        while not over.wait(_SECONDS_BETWEEN_LOOKS):
            _draw(bars, tasks, followed())


def _draw(bars: Bars, tasks: dict[int, object], runs: list[RunProgress]) -> None:
    """A bar for each resource that is read now, and one for each load."""
    found: dict[int, tuple[str, float | None, str]] = {}
    for progress in runs:
        for reading in progress.readings:
            found[id(reading)] = (str(reading.place), reading.share, _said(reading))
        for number, phase in enumerate(progress.phases):
            found[-id(progress) - number] = (phase, None, "")
    for key in set(tasks) - set(found):
        bars.remove_task(tasks.pop(key))  # type: ignore[arg-type]
    for key, (name, share, said) in found.items():
        if key not in tasks:
            tasks[key] = bars.add_task(name, total=None, said=said)
        bars.update(
            tasks[key],  # type: ignore[arg-type]
            description=name,
            total=None if share is None else 1.0,
            completed=share or 0.0,
            said=said,
        )


def _said(reading: Reading) -> str:
    result = reading.result
    return f"{result.pages:,} pages, {result.records:,} records{reading.waiting()}"
