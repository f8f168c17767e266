"""The dlt pipeline of one load: extract, normalize, merge, clean up.

In: a ``ReadRun``. Out: a ``Loaded``. A run shares only the warehouse with other runs: its pipeline
directory and its staging dataset are its own, and are removed after it. Runs read in parallel; only
the load itself takes the warehouse's lock.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import CustomLoaderDocProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

from analytics_sync.common.private_folder import LockedTempFolder
from analytics_sync.common.redaction import Redactor
from analytics_sync.common.telemetry import switch_off_telemetry
from analytics_sync.extract.dlt_source import dlt_source
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.destination import (
    DEFAULT,
    TESTED,
    destination_kind,
    destination_secrets,
    file_format,
    make_destination,
)
from analytics_sync.load.earlier_rows import EarlierRows, judge, look, to_look_at
from analytics_sync.load.errors import warehouse_errors
from analytics_sync.load.foreign_tables import refuse_foreign_tables
from analytics_sync.load.locks import load_lock
from analytics_sync.load.rejected_table import ensure_rejected
from analytics_sync.load.soft_deletes import Deleted, confirm, mark_deleted
from analytics_sync.load.staging import drop_staging, staging_id
from analytics_sync.load.system_columns import refuse_system_columns
from analytics_sync.load.warehouse import open_warehouse
from analytics_sync.load.widening import widen_tables

_DEFAULT_SETTINGS = {
    "normalize": {"parquet_normalizer": {"add_dlt_load_id": True}},
    "load": {"workers": 8},
    # dlt sleeps for this time once, when there is nothing left to extract: seconds
    "extract": {"futures_poll_interval": 0.001},
}


@dataclass(frozen=True)
class Loaded:
    """The result of a load.

    Attributes:
        load_id: dlt's id of the load. None when there was nothing to load.
        destination: dlt's name of the destination.
        dataset: Name of the source's dataset.
        deleted: Number of rows newly marked as deleted, by resource. A resource without a complete
            read is not in it.
        read_twice: Resources that were read again to confirm missing rows.
    """

    load_id: str | None
    destination: str
    dataset: str
    deleted: Mapping[str, int] = field(default_factory=dict)
    read_twice: frozenset[str] = frozenset()


def load(run: ReadRun, run_id: str) -> Loaded:
    """Read what ``run`` selects and merge it into the warehouse.

    Resources that cannot be read, or whose table has another type, are left out.
    ``run.failures()`` names them.

    Args:
        run: The resources to read, and their window.
        run_id: Makes names unique. Only its letters and digits are used.

    Raises:
        LoadError: The warehouse refused the data, or the disk is full.
    """
    loaded, unconfirmed = _load(run, run_id, {})
    if not unconfirmed:
        return loaded
    confirmed = confirm(
        run.source, unconfirmed, lambda again: _load(again, run_id, unconfirmed)[0].deleted
    )
    if confirmed is None:
        return loaded
    return replace(
        loaded, deleted={**loaded.deleted, **confirmed}, read_twice=frozenset(unconfirmed)
    )


def _load(
    run: ReadRun, run_id: str, first_started_at: Mapping[str, int]
) -> tuple[Loaded, dict[str, int]]:
    """One load, and ``Deleted.unconfirmed`` of its read."""
    name = run.source.name
    switch_off_telemetry()  # here too: somebody else's code may start the load
    with closing(LockedTempFolder("analytics-sync-load-")) as folder:
        destination = make_destination(staging_id(), folder.path)
        redact = Redactor({*run.redact.secrets, *destination_secrets(destination)})
        with _defaults(), warehouse_errors(name, "the load step", redact):
            suffix = re.sub(r"[^a-z0-9]", "", run_id.lower())[:16] + name[:8].rstrip("_")
            pipeline = dlt.pipeline(
                f"{name}_{suffix}",
                pipelines_dir=str(folder.path),
                destination=destination,
                dataset_name=name,
            )
            # the state of earlier runs is not needed: windows come from partitions
            pipeline.config.restore_from_destination = False
            return _fill(pipeline, run, first_started_at, redact)


def _fill(
    pipeline: dlt.Pipeline, run: ReadRun, first_started_at: Mapping[str, int], redact: Redactor
) -> tuple[Loaded, dict[str, int]]:
    name, destination = run.source.name, pipeline.destination
    known_types = {}
    if undeclared := [r.table for r in run.resources if not r.fields]:
        with open_warehouse(name) as warehouse:
            known_types = {table: warehouse.types(table) for table in undeclared}
    run.start(known_types)
    refuse_system_columns(run, destination_kind(destination))
    source = dlt_source(run.source, run, files=destination_kind(destination) == DEFAULT)
    pipeline.extract(source, loader_file_format=file_format(destination))
    if pipeline.list_extracted_load_packages():
        pipeline.normalize()
    if not pipeline.list_normalized_load_packages():
        return Loaded(None, destination.destination_name, name), {}
    pa.default_memory_pool().release_unused()  # the warehouse needs the memory now
    with load_lock(pipeline):
        try:
            refuse_foreign_tables(pipeline, run, redact)
            widen_tables(pipeline, run, redact)
            earlier = _earlier_rows(pipeline, run)
            info = pipeline.load(raise_on_failed_jobs=True)
        except BaseException:
            with suppress(Exception):  # the load's error is the message to show
                drop_staging(pipeline)
            raise
        deleted = Deleted()
        if destination_kind(destination) in TESTED:
            with pipeline.sql_client() as client:
                ensure_rejected(client, file_format(destination))
                judge(run, client, earlier)
                deleted = mark_deleted(run, client, first_started_at)
        drop_staging(pipeline)
    run.loaded()
    done = Loaded(info.loads_ids[0], destination.destination_name, name, deleted.marked)
    return done, deleted.unconfirmed


def _earlier_rows(pipeline: dlt.Pipeline, run: ReadRun) -> dict[str, EarlierRows]:
    """What to compare the tables with after the load."""
    if destination_kind(pipeline.destination) not in TESTED or not (some := to_look_at(run)):
        return {}
    with pipeline.sql_client() as client:
        return look(run, some, client)


@contextmanager
def _defaults() -> Iterator[None]:
    """Set our defaults for dlt for the time of a load. A setting of the user takes precedence."""
    provider = CustomLoaderDocProvider("analytics_sync defaults", lambda: _DEFAULT_SETTINGS, False)
    providers = Container()[PluggableRunContext].providers
    added = provider.name not in providers
    if added:
        providers.add_provider(provider)
    hint_warnings = _HintWarnings()
    dlt_log = logging.getLogger("dlt")
    dlt_log.addFilter(hint_warnings)
    try:
        yield
    finally:
        dlt_log.removeFilter(hint_warnings)
        if added:
            providers.providers.remove(provider)


class _HintWarnings(logging.Filter):
    """Drops dlt's warning for each table that its JSON columns are text in Arrow."""

    def filter(self, record: logging.LogRecord) -> bool:
        message: Any = record.msg
        return "several column hints were different" not in str(message)
