"""The dlt source of a declared API.

In: the declaration; also a ``ReadRun``, if records are to be read. Out: a ``DltSource`` with one
resource per asset, hints and columns set, each yielding Arrow tables; and ``_rejected``. Without a
run the source is a description only, as Dagster needs it when definitions load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dlt
from dlt.common.schema import Schema
from dlt.extract import DltResource, DltSource
from dlt.extract.items import DataItemWithMeta

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.tables import REJECTED, REJECTED_COLUMNS, REJECTED_KEY, table_columns
from analytics_sync.common.errors import ExtractError

if TYPE_CHECKING:  # a description needs neither, and importing them takes long
    import pyarrow as pa

    from analytics_sync.extract.run import ReadRun


def dlt_source(source: Source, run: ReadRun | None = None, *, files: bool = False) -> DltSource:
    """The dlt source of a declaration.

    A resource that cannot be read yields nothing, so that the others load; ``run.failures()`` names
    it afterwards. A resource without records yields an empty table, so that the table is created.

    Args:
        source: The declaration.
        run: Reads the resources; only its resources are in the dlt source. None makes a
            description, from which nothing can be extracted.
        files: Whether the load takes Parquet files whose load id is still to be set.
    """
    if run is None:
        return _description(source)
    is_trial = run.page_limit is not None
    resources = [
        _resource(
            r,
            _reader(r, run, files),
            replaces=r.write_disposition == "replace" and not is_trial,
        )
        for r in run.resources
    ]
    resources.append(_rejected(run))

    @dlt.source(name=source.name, max_table_nesting=0)
    def declared() -> list[DltResource]:
        return resources

    return declared()


def _description(source: Source) -> DltSource:
    """The dlt source without records. It needs no settings, so that dlt does not look for any."""
    resources = [
        _resource(r, _Unread(r), replaces=r.write_disposition == "replace") for r in source.assets
    ]
    described = DltSource(Schema(source.name), source.name, resources)
    described.max_table_nesting = 0
    return described


class _Unread(Iterator[Any]):
    """The records of a source without a run. An iterator, because dlt would inspect a function."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def __next__(self) -> Any:
        raise RuntimeError(f"{self._resource}: this source only describes; pass a ReadRun to read")


def _resource(
    resource: Resource, read: Callable[[], Iterator[Any]] | Iterator[Any], *, replaces: bool
) -> DltResource:
    built: Any = dlt.resource(
        read,
        name=resource.name,
        table_name=resource.table,
        primary_key=list(resource.key),
        write_disposition="replace" if replaces else "merge",  # no trial replaces a table
        columns=table_columns(resource) if resource.fields else {},
    )
    return built  # type: ignore[no-any-return]


def _reader(resource: Resource, run: ReadRun, files: bool) -> Callable[[], Iterator[Any]]:
    def read() -> Iterator[Any]:
        try:
            result = run.result(resource.name)
        except ExtractError:
            return
        buffer = result.buffer
        assert buffer is not None, "every finished read has a buffer"
        # Without them, dlt would make text of all that is text in Arrow, as JSON is.
        columns = {} if resource.fields else table_columns(resource, result.fields)
        hints = dlt.mark.make_hints(columns=columns) if columns else None
        file = buffer.file() if files else None
        if file is not None:
            marked = dlt.mark.with_file_import(str(file), "parquet", buffer.rows, hints)
            yield DataItemWithMeta(marked.meta, buffer.schema.empty_table())
        else:
            for table in buffer.tables():
                yield dlt.mark.with_hints(table, hints) if hints else table
        buffer.close()

    return read


def _rejected(run: ReadRun) -> DltResource:
    def read() -> Iterator[pa.Table]:
        from analytics_sync.extract.rejected import rejected_tables

        failed = run.failures()
        results = (run.result(r.name) for r in run.resources if r.name not in failed)
        yield from rejected_tables(results, run.windows)

    built: Any = dlt.resource(
        read,
        name=REJECTED,
        primary_key=REJECTED_KEY,
        write_disposition="merge",
        columns=REJECTED_COLUMNS,
    )
    return built  # type: ignore[no-any-return]
