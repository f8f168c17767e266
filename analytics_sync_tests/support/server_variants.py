"""Servers that differ, and reads of a window from one of them.

In: sources. Out: sandboxes that differ in page size, in the number of the first page and in whether
the bounds of a filter are inclusive; and the rows that a run reads from them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any

from analytics_sync.catalog import Source
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync_tests.support.histories import to_datetime
from analytics_sync_tests.support.scripted_api import rows_of

VARIANTS = [(1, 1), (2, 0), (3, 1), (50, 0), (5, 0), (50, 1)]
"""The page size and the number of the first page. Every other server excludes both bounds."""


@contextmanager
def serve(sources: Iterable[Source], sizes: Mapping[str, int]) -> Iterator[list[Sandbox]]:
    """Running servers, one of each variant, with the same records.

    The environment is restored afterwards, because ``read`` changes it.

    Args:
        sources: The sources to serve.
        sizes: Options of the sandbox for the number of records.
    """
    sources = list(sources)
    environment = dict(os.environ)
    os.environ["NO_PROXY"] = "127.0.0.1"
    days = {"start": date(2024, 2, 28), "end": date(2024, 3, 2)}
    try:
        with ExitStack() as stack:
            servers = []
            for index, (max_page, first_page) in enumerate(VARIANTS):
                options = Options(
                    **{"max_page": max_page, "first_page": first_page, **days, **sizes}
                )
                manners = ["exclusive-bounds"] if index % 2 else []
                servers.append(stack.enter_context(Sandbox(sources, options, manners=manners)))
            yield servers
    finally:
        os.environ.clear()
        os.environ.update(environment)


def read(
    source: Source, sandbox: Sandbox, names: Iterable[str], low: int, high: int
) -> dict[str, list[dict[str, Any]]]:
    """The rows of a window by resource, as a run reads them from a sandbox.

    Args:
        source: The source.
        sandbox: The server.
        names: The resources.
        low: The start of the window, in microseconds since 1970.
        high: The end of the window, in microseconds since 1970.
    """
    os.environ.update(sandbox.settings())
    window = Window(to_datetime(low), to_datetime(high))
    names = list(names)
    # Nothing is loaded here, so that a journal would pass pages on to the next read.
    with ReadRun(source, window, names, resume=False) as run:
        rows = {name: rows_of(run.result(name)) for name in names}
    for row in (row for found in rows.values() for row in found):
        assert row.pop("_deleted_at", None) is None
        row.pop("_parent_key", None)
    return rows


def by_id(rows: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Rows by key. A key with two rows fails here."""
    rows = list(rows)
    keyed = {row["id"]: row for row in rows}
    assert len(keyed) == len(rows)
    return keyed
