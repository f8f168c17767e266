"""The job of one contender: load the pages of a server into a DuckDB file.

In: a ``Job`` of a suite. Out: the same ``Job``, as JSON on the command line of a contender. Its
tables are in the dataset ``bench`` of the file. There is one table, ``customers``, unless the
options name others.
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
FIRST_SYNC_COPY = "first.duckdb"
"""File name of the copy of the warehouse that is made after the first of two syncs."""


@dataclass(frozen=True)
class Job:
    """One load.

    Attributes:
        url: Base URL of the server; pages are at ``/customers?page=N``, N from 0 on.
        shape: Name of the records' shape.
        records: Number of records of the table.
        page_size: Number of records of a page.
        disposition: ``merge`` or ``replace``.
        folder: Folder for all files of the load; it is deleted afterwards.
        options: Options of the contender. ``tables`` maps each table to the number of rows it must
            have; without it, the table is ``customers`` with ``records`` rows.
    """

    url: str = ""
    shape: str = "nested"
    records: int = 0
    page_size: int = 1000
    disposition: str = "merge"
    folder: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def record_shape(self) -> Shape:
        """The shape with the name ``shape``."""
        return SHAPES[self.shape]

    @property
    def database(self) -> Path:
        """The DuckDB file that must hold the tables."""
        return Path(self.folder) / "warehouse.duckdb"

    def to_json(self) -> str:
        """Write the job as one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Read the job from an argument of a command line."""
        return cls(**json.loads(text))
