"""Widening: real tables take the declared column types before a load.

In: a normalized load package, and the lock of the warehouse. Out: wider columns where all values
stay exact. A resource whose column cannot be widened leaves the package and fails by name; the
other resources load.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import dlt
from dlt.destinations.exceptions import DatabaseException

from analytics_sync.common.errors import Place, printable
from analytics_sync.common.redaction import Redactor
from analytics_sync.common.shown import MAX_NAMES, listed
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.column_types import Mismatch, mismatches, real_types, widen
from analytics_sync.load.duckdb_merge_job import with_more_memory
from analytics_sync.load.errors import LoadError
from analytics_sync.load.package import remove_from_package

log = logging.getLogger(__name__)


def widen_tables(pipeline: dlt.Pipeline, run: ReadRun, redact: Redactor) -> None:
    """Widen the columns of all tables of a load to their declared types.

    Args:
        pipeline: A pipeline that holds the load lock, and has a normalized load package.
        run: The finished run. A resource whose table has a wrong type becomes a failure of it.
        redact: Removes secrets from messages.
    """
    failed = run.failures()
    tables = pipeline.default_schema.tables
    refused = []
    with pipeline.destination_client() as job_client:
        real = real_types(job_client)
        for resource in run.resources:
            table = resource.table
            if table not in real or table not in tables or resource.name in failed:
                continue
            wrong = list(mismatches(job_client, real[table], table, tables[table]["columns"]))
            if not wrong:
                continue
            client: Any = job_client.sql_client  # type: ignore[attr-defined]
            if problem := _problem(client, table, wrong):
                place = Place(resource.source, resource.name, run.window)
                run.fail(resource.name, LoadError(redact(printable(f"{place}: {problem}"))))
                refused.append(resource)
            else:
                log.warning(
                    "%s: widened, now as declared: %s", resource, listed(wrong, separator="; ")
                )
    if refused:
        remove_from_package(pipeline, refused)


def _problem(client: Any, table: str, wrong: Sequence[Mismatch]) -> str:
    """Widen the columns; what to report if that is not possible, else nothing."""
    reason = "Not all of its values would stay as they are"
    try:
        inexact = with_more_memory(client, lambda: widen(client, table, wrong))
        if not inexact:
            return ""
    except DatabaseException as e:
        inexact, reason = list(wrong), f"It cannot be changed in place ({e})"
    named = listed(inexact, separator="; ")
    statements = "; ".join(m.change(client, table) for m in inexact[:MAX_NAMES])
    return (
        f"{named}. {reason}: the table is as it was. Declare the type that the table has, or change "
        f"the table yourself and run again: {statements}"
    )
