"""What a suite is.

In: ``Options`` from the command line. Out: ``Case``s, each a set of ways that did the same work;
the command line writes them down, prints and draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.measure import Result


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        records: In the table of the work suite.
        rounds: How often each way runs; medians are told.
        quick: Few cases, or tiny sizes, once.
        venvs: Where peers have their virtualenvs; None leaves peers out.
        say: Takes a line about what goes on.
    """

    records: int
    rounds: int
    quick: bool
    venvs: Path | None
    say: Callable[[str], None]


@dataclass(frozen=True)
class Case:
    """Ways side by side.

    Attributes:
        name: As printed.
        parameters: What sets it apart from the suite's other cases.
        results: One for each way.
    """

    name: str
    parameters: Mapping[str, Any]
    results: Sequence[Result]


@dataclass(frozen=True)
class Suite:
    """A question, and how it is measured.

    Attributes:
        name: On the command line, and of its folder of results.
        about: The question, in one line.
        run: Measures.
        draw: The results as they are in JSON, and the file for the plot.
    """

    name: str
    about: str
    run: Callable[[Options], list[Case]]
    draw: Callable[[Mapping[str, Any], Path], None]
