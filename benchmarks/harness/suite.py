"""A suite: a question, and how it is measured.

In: ``Options`` from the command line. Out: ``Case``s, each a set of contenders that did the same
work. The command line prints the cases, writes them to a file and draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.measure import Result


@dataclass(frozen=True)
class Options:
    """Options of the command line.

    Attributes:
        records: Number of records in the table of the work suite.
        rounds: Number of rounds of each contender; results are medians.
        quick: Whether to run one round of few cases or tiny sizes.
        venvs: Folder of the peers' virtualenvs; None leaves peers out.
        log: Function that takes one line about the progress.
    """

    records: int
    rounds: int
    quick: bool
    venvs: Path | None
    log: Callable[[str], None]

    @property
    def rounds_to_run(self) -> int:
        """Number of rounds, or 1 if ``quick``."""
        return 1 if self.quick else self.rounds


@dataclass(frozen=True)
class Case:
    """Contenders that did the same work.

    Attributes:
        name: Printed name.
        parameters: Values that distinguish the case from the suite's other cases.
        results: One result for each contender.
    """

    name: str
    parameters: Mapping[str, Any]
    results: Sequence[Result]


@dataclass(frozen=True)
class Suite:
    """A question, and how it is measured.

    Attributes:
        name: Name on the command line and of the folder of results.
        about: The question, in one line.
        run: Measures all cases.
        draw: Draws the content of ``results.json`` into a file.
    """

    name: str
    about: str
    run: Callable[[Options], list[Case]]
    draw: Callable[[Mapping[str, Any], Path], None]
