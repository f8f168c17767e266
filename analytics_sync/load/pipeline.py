"""The dlt pipeline of one load: extract, normalize, merge, clean up.

In: a ``ReadRun``. Out: a ``Loaded``. A run shares only the warehouse with other runs: its pipeline
directory and its staging dataset are its own, and are removed after it. Runs read in parallel; only
the load itself takes the warehouse's lock.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import CustomLoaderDocProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.common.private_folder import LockedTempFolder
from analytics_sync.common.redaction import Redactor
from analytics_sync.common.shown import counted
from analytics_sync.common.stopping import Stop
from analytics_sync.common.telemetry import switch_off_telemetry
from analytics_sync.extract.dlt_source import dlt_source
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.default_file import note_default_file
from analytics_sync.load.clients.destination import (
    destination_kind,
    destination_secrets,
    file_format,
    has_default_file,
    make_destination,
    warehouse_address,
)
from analytics_sync.load.clients.destination_kinds import TESTED
from analytics_sync.load.clients.merge_counts import MergeCounts
from analytics_sync.load.clients.postgres_keys import index_keys
from analytics_sync.load.clients.staging import drop_staging, staging_id
from analytics_sync.load.earlier_rows import EarlierRows, judge, look, to_look_at
from analytics_sync.load.errors import warehouse_errors
from analytics_sync.load.existing_tables import existing_tables
from analytics_sync.load.gone.rejected_table import clear_rejected, ensure_rejected
from analytics_sync.load.gone.shrinkage import accepted_resources
from analytics_sync.load.gone.soft_deletes import Deleted, SoftDeletes
from analytics_sync.load.memory.dataset_memory import (
    NothingReported,
    Remembered,
    look_back,
    note,
    note_without_rows,
    refuse_before_reading,
)
from analytics_sync.load.memory.loaded_windows import Reported
from analytics_sync.load.merge_probes import judge_merges, merge_probes
from analytics_sync.load.sharing.locks import load_lock
from analytics_sync.load.sharing.read_copy import ReadCopy, publish_read_copy
from analytics_sync.load.stages import Stage, Stages
from analytics_sync.load.tables.comments import comment_on_tables
from analytics_sync.load.tables.foreign_tables import refuse_foreign_tables
from analytics_sync.load.tables.prepared_tables import prepare_tables
from analytics_sync.load.tables.row_counts import RowCount, row_counts
from analytics_sync.load.tables.system_columns import refuse_system_columns
from analytics_sync.load.tables.table_changes import stored_key
from analytics_sync.load.tables.time_indexes import index_times
from analytics_sync.load.warehouse import open_warehouse

_DEFAULT_SETTINGS = {
    "normalize": {"parquet_normalizer": {"add_dlt_load_id": True}},
    "load": {"workers": 8},
    # dlt sleeps for this time once, when there is nothing left to extract: seconds
    "extract": {"futures_poll_interval": 0.001},
}

_WAITING = "waiting for the lock of the warehouse"


@dataclass(frozen=True)
class Loaded:
    """The result of a load.

    Attributes:
        load_id: dlt's id of the load. None when there was nothing to load.
        destination: dlt's name of the destination.
        dataset: Name of the source's dataset.
        warehouse: Where the tables are: a file, or server and database.
        deleted: The rows that were marked as deleted, and those that were replaced.
        table_changes: What was changed in tables before the load, by resource.
        cleared: Number of records that are in ``_rejected`` no longer, by resource.
        read_copy: The copy of the DuckDB file that was published, or why it was not. None if none is
            wanted.
        merges: What the merges did to each table, by its name.
        row_counts: Number of rows of each table, exact or estimated, by its name.
        seconds: The seconds of each stage of the run.
    """

    load_id: str | None
    destination: str
    dataset: str
    warehouse: str
    deleted: Deleted = field(default_factory=Deleted)
    table_changes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cleared: Mapping[str, int] = field(default_factory=dict)
    read_copy: ReadCopy | None = None
    merges: Mapping[str, MergeCounts] = field(default_factory=dict)
    row_counts: Mapping[str, RowCount] = field(default_factory=dict)
    seconds: Mapping[Stage, float] = field(default_factory=dict)


def load(
    run: ReadRun,
    run_id: str,
    reported: Reported | None = None,
    accept_shrunken: Collection[str] = (),
) -> Loaded:
    """Read what ``run`` selects and merge it into the warehouse.

    Resources that cannot be read, or whose table has another type, are left out.
    ``run.failures()`` names them.

    Args:
        run: The resources to read, and their window.
        run_id: Makes names unique. Only its letters and digits are used.
        reported: What Dagster reports of earlier loads; None outside of Dagster.
        accept_shrunken: Resources that may list less than half of the rows that their table has, beside
            those of the setting.

    Raises:
        LoadError: The warehouse refused the data, or the disk is full.
    """
    if has_default_file():
        note_default_file()
    accepted = accepted_resources(run.source, accept_shrunken)
    name = run.source.name
    switch_off_telemetry()  # here too: somebody else's code may start the load
    with closing(LockedTempFolder("analytics-sync-load-")) as folder:
        destination = make_destination(staging_id(), folder.path, run.stop)
        redact = Redactor({*run.redact.secrets, *destination_secrets(destination)})
        with _defaults(run.stop), warehouse_errors(name, "the load step", redact):
            suffix = re.sub(r"[^a-z0-9]", "", run_id.lower())[:16] + name[:8].rstrip("_")
            pipeline = dlt.pipeline(
                f"{name}_{suffix}",
                pipelines_dir=str(folder.path),
                destination=destination,
                dataset_name=name,
            )
            # the state of earlier runs is not needed: windows come from partitions
            pipeline.config.restore_from_destination = False
            deletes = SoftDeletes(run, accepted)
            return _fill(pipeline, run, deletes, reported or NothingReported(), redact)


def _fill(
    pipeline: dlt.Pipeline,
    run: ReadRun,
    deletes: SoftDeletes,
    reported: Reported,
    redact: Redactor,
) -> Loaded:
    name = run.source.name
    destination: Any = pipeline.destination
    job_client: Any
    address = warehouse_address(destination)
    stages = Stages()
    refuse_before_reading(pipeline, run)
    _read(pipeline, run, stages)
    if not pipeline.list_normalized_load_packages():
        note_without_rows(pipeline, run, reported, redact)
        return Loaded(None, destination.destination_name, name, address, seconds=stages.seconds)
    pa.default_memory_pool().release_unused()  # the warehouse needs the memory now
    lock = run.progress.entering(f"{name}: {_WAITING}", load_lock(pipeline))
    loading = run.progress.phase(_loading(run), end=f"{name}: loaded")
    with stages.after(Stage.WAITING, lock), stages.time(Stage.LOADING), loading:
        try:
            with pipeline.destination_client() as job_client:
                refuse_foreign_tables(pipeline, run, job_client, redact)
                remembered = look_back(pipeline, run, job_client.sql_client, reported, redact)
                prepared = prepare_tables(pipeline, run, job_client, redact)
                earlier = _look_at_tables(destination, run, job_client.sql_client, deletes)
            info = pipeline.load(raise_on_failed_jobs=True)
            prepared.finish(pipeline)
        except BaseException:
            destination.stop = Stop()  # statements that clean up are not interrupted
            # the load's error is the message to show
            with suppress(Exception), pipeline.sql_client() as client:
                drop_staging(client)
            raise
        load_id = info.loads_ids[0]
        cleared, counts = _finish(pipeline, run, load_id, deletes, remembered, earlier)
        read_copy = publish_read_copy(pipeline.sql_client)
    run.loaded()
    if deletes.unconfirmed:
        read_copy = _confirm(pipeline, run, deletes) or read_copy
    return Loaded(
        load_id,
        destination.destination_name,
        name,
        address,
        deletes.deleted,
        table_changes=prepared.steps,
        cleared=cleared,
        read_copy=read_copy,
        merges=_merges(destination),
        row_counts=counts,
        seconds=stages.seconds,
    )


def _loading(run: ReadRun) -> str:
    """The line of the beginning of a load."""
    failed = run.failures()
    rows = [run.result(r.name).rows for r in run.resources if r.name not in failed]
    return (
        f"{run.source.name}: loading {counted(len(rows), 'resource')}, {counted(sum(rows), 'row')}"
    )


def _merges(destination: Any) -> Mapping[str, MergeCounts]:
    """What the merges of a load did to each table; nothing for an untested destination."""
    is_tested = destination_kind(destination) in TESTED
    return destination.merges.by_table if is_tested else {}


def _read(pipeline: dlt.Pipeline, run: ReadRun, stages: Stages) -> None:
    """Read the run into a normalized load package."""
    destination = pipeline.destination
    tables = {}
    if undeclared := [r.table for r in run.resources if not r.fields]:
        with open_warehouse(run.source.name, run.stop) as warehouse:
            tables = existing_tables(warehouse, undeclared)
    run.start(tables)
    refuse_system_columns(run, destination_kind(destination))
    source = dlt_source(run.source, run, files=destination_kind(destination) in TESTED)
    with stages.time(Stage.READING):
        pipeline.extract(source, loader_file_format=file_format(destination))
    if pipeline.list_extracted_load_packages():
        with stages.time(Stage.NORMALIZING):
            pipeline.normalize()


def _look_at_tables(
    destination: Any, run: ReadRun, client: SqlClientBase[Any], deletes: SoftDeletes
) -> dict[str, EarlierRows]:
    """Plan what the load removes; what to compare the tables with after the load."""
    if destination_kind(destination) not in TESTED or run.page_limit is not None:
        return {}
    destination.replaced.update(deletes.plan(client))
    destination.probes.update(merge_probes(run, client))
    return look(run, to_look_at(run), client)


def _finish(
    pipeline: dlt.Pipeline,
    run: ReadRun,
    load_id: str,
    deletes: SoftDeletes,
    remembered: Remembered,
    earlier: Mapping[str, EarlierRows],
) -> tuple[Mapping[str, int], Mapping[str, RowCount]]:
    """Judge, mark and note the rows of a load.

    Returns:
        The number of records cleared from ``_rejected``, by resource, and the number of rows, by table.
    """
    cleared: Mapping[str, int] = {}
    counts: Mapping[str, RowCount] = {}
    job_client: Any
    with pipeline.destination_client() as job_client:
        client = job_client.sql_client
        if destination_kind(pipeline.destination) in TESTED:
            ensure_rejected(client, file_format(pipeline.destination))
            cleared = clear_rejected(run, client, load_id)
            judge(run, earlier)
            judge_merges(run, _merges(pipeline.destination))
            if run.page_limit is None:
                deletes.mark(client)
            note(client, run, load_id, remembered)
            failed = run.failures()
            loaded = [r for r in run.resources if r.name not in failed]
            naming = job_client.schema.naming
            comment_on_tables(client, loaded, naming)
            index_times(client, [r for r in loaded if run.source.windowed(r)], naming)
            index_keys(client, {r.table: stored_key(naming, r) for r in loaded})
            counts = row_counts(client, {r.table for r in loaded})
        drop_staging(client)
    return cleared, counts


def _confirm(pipeline: dlt.Pipeline, run: ReadRun, deletes: SoftDeletes) -> ReadCopy | None:
    """Read again what has missing rows, without the lock, and mark the rows that are gone, with it."""
    read_copy: ReadCopy | None = None

    @contextmanager
    def connect() -> Iterator[SqlClientBase[Any]]:
        nonlocal read_copy
        with run.progress.entering(f"{run.source.name}: {_WAITING}", load_lock(pipeline)):
            with pipeline.sql_client() as client:
                yield client
            read_copy = publish_read_copy(pipeline.sql_client)

    deletes.confirm(connect)
    return read_copy


@contextmanager
def _defaults(stop: Stop) -> Iterator[None]:
    """Set our defaults for dlt for the time of a load. A setting of the user takes precedence."""
    provider = CustomLoaderDocProvider("analytics_sync defaults", lambda: _DEFAULT_SETTINGS, False)
    providers = Container()[PluggableRunContext].providers
    added = provider.name not in providers
    if added:
        providers.add_provider(provider)
    hint_warnings = _HintWarnings(stop)
    dlt_log = logging.getLogger("dlt")
    dlt_log.addFilter(hint_warnings)
    try:
        yield
    finally:
        dlt_log.removeFilter(hint_warnings)
        if added:
            providers.providers.remove(provider)


class _HintWarnings(logging.Filter):
    """Drops dlt's warning for each table that its JSON columns are text in Arrow.

    Of a run that is being stopped it drops all: what was interrupted is no error.
    """

    def __init__(self, stop: Stop) -> None:
        super().__init__()
        self._stop = stop

    def filter(self, record: logging.LogRecord) -> bool:
        message: Any = record.msg
        is_hint = "several column hints were different" in str(message)
        return not is_hint and not self._stop.is_set()
