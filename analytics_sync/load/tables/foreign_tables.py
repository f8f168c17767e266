"""Refused tables: those of a load whose place another role has taken.

In: a normalized load package, and the lock of the warehouse. Out: a package without these tables. Their
resources fail by name; the other resources load. If a table is dlt's or ``_rejected``, nothing loads.
"""

from __future__ import annotations

from typing import Any

import dlt

from analytics_sync.catalog.tables import REJECTED
from analytics_sync.common.errors import Place, printable
from analytics_sync.common.redaction import Redactor
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.foreign_objects import ForeignObject, foreign_objects
from analytics_sync.load.clients.package import remove_from_package
from analytics_sync.load.errors import LoadError


def refuse_foreign_tables(
    pipeline: dlt.Pipeline, run: ReadRun, job_client: Any, redact: Redactor
) -> None:
    """Let no statement reach a table that runs code of another role, or that is none of ours.

    Args:
        pipeline: A pipeline that holds the load lock, and has a normalized load package.
        run: The finished run. A resource whose table is refused becomes a failure of it.
        job_client: dlt's job client of the pipeline, connected.
        redact: Removes secrets from messages.

    Raises:
        ForeignObject: The table belongs to no resource.
    """
    problems = foreign_objects(job_client.sql_client, {*job_client.schema.tables, REJECTED})
    refused = []
    for resource in run.resources:
        problem = problems.pop(resource.table, None)
        if problem and resource.name not in run.failures():
            place = Place(resource.source, resource.name, run.window)
            run.fail(resource.name, LoadError(redact(printable(f"{place}: {problem}"))))
            refused.append(resource)
    for problem in problems.values():
        raise ForeignObject(f"{run.source.name}: {redact(problem)}")
    if refused:
        remove_from_package(pipeline, refused)
