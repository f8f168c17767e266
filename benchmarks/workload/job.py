"""What one way is asked to do: load these pages into that file.

In and out: a ``Job``, as JSON on a command line. Tables are in the dataset ``bench`` of a DuckDB
file; unless the options of a way say otherwise there is one, ``customers``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.workload.records import SHAPES, Shape

DATASET = "bench"
TABLE = "customers"
FIRST = "first.duckdb"
"""A copy of the warehouse after the first sync, where there is a second."""


@dataclass(frozen=True)
class Job:
    """One load.

    Attributes:
        url: Of the server; the pages are at ``/customers?page=N``, N from 0 on.
        shape: Name of the records' shape.
        records: How many there are.
        page_size: How many a page holds.
        disposition: ``merge`` or ``replace``.
        folder: For everything the load needs; gone after it.
        options: The way's own. ``tables``: table -> rows it must have, where it is not the one
            that the above is about.
    """

    url: str = ""
    shape: str = "nested"
    records: int = 0
    page_size: int = 1000
    disposition: str = "merge"
    folder: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Shape:
        """What the records look like."""
        return SHAPES[self.shape]

    @property
    def database(self) -> Path:
        """The file the table has to be in."""
        return Path(self.folder) / "warehouse.duckdb"

    def to_json(self) -> str:
        """For a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """From a command line."""
        return cls(**json.loads(text))
