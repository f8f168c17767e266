"""One load: extract into a directory of its own, normalize, merge, clean up.

In: a ``ReadRun``. Out: a ``Loaded``. Nothing is shared with another run but the warehouse: a
pipeline directory and a staging dataset are made for this run and removed after it. Reading goes
on side by side with other runs; only the load itself takes the warehouse's lock.
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

from analytics_sync.common.errors import ExtractError
from analytics_sync.common.private_folder import LockedTempFolder
from analytics_sync.common.redaction import Redactor
from analytics_sync.extract.dlt_source import dlt_source
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.custom_jobs import use_custom_jobs
from analytics_sync.load.destination import (
    DEFAULT,
    destination_kind,
    destination_secrets,
    file_format,
    make_destination,
)
from analytics_sync.load.errors import LoadError, warehouse_errors
from analytics_sync.load.locks import load_lock
from analytics_sync.load.soft_deletes import mark_deleted
from analytics_sync.load.staging import drop_staging, staging_id
from analytics_sync.load.warehouse import open_warehouse

log = logging.getLogger(__name__)

_DEFAULTS = {
    "normalize": {"parquet_normalizer": {"add_dlt_load_id": True}},
    "load": {"workers": 8},
    # dlt sleeps once so long when there is nothing left to extract
    "extract": {"futures_poll_interval": 0.001},
}


@dataclass(frozen=True)
class Loaded:
    """What a load did.

    Attributes:
        load_id: dlt's; None when there was nothing to load.
        destination: dlt's name of it.
        dataset: The source's dataset.
        deleted: Rows newly marked as deleted, for each resource whose complete read told.
        read_twice: Resources that were read again to be sure of that.
    """

    load_id: str | None
    destination: str
    dataset: str
    deleted: Mapping[str, int] = field(default_factory=dict)
    read_twice: frozenset[str] = frozenset()


def load(run: ReadRun, run_id: str) -> Loaded:
    """Read what ``run`` selects and merge it into the warehouse.

    Resources that cannot be read are left out; ``run.failures()`` names them.

    Args:
        run: What to read.
        run_id: Makes names unique; letters and digits of it are used.

    Raises:
        LoadError: The warehouse refused.
    """
    loaded, doubtful = _load(run, run_id, {})
    if not doubtful:
        return loaded
    try:
        with ReadRun(run.source, only=doubtful, resume=False) as again:
            second, _ = _load(again, run_id, doubtful)
            not_read = again.failures()
    except (ExtractError, LoadError) as e:
        log.warning("%s: rows that may be gone are not marked: %s", run.source.name, e)
        return loaded
    for error in not_read.values():
        log.warning("rows that may be gone are not marked: %s", error)
    return replace(
        loaded, deleted={**loaded.deleted, **second.deleted}, read_twice=frozenset(doubtful)
    )


def _load(
    run: ReadRun, run_id: str, first_started_at: Mapping[str, int]
) -> tuple[Loaded, dict[str, int]]:
    """One load; and what has to be read again to know whether rows are gone."""
    name = run.source.name
    with closing(LockedTempFolder("analytics-sync-load-")) as folder:
        destination = make_destination(staging_id())
        redact = Redactor({*run.redact.secrets, *destination_secrets(destination)})
        with _defaults(), warehouse_errors(name, "the load step", redact):
            suffix = re.sub(r"[^a-z0-9]", "", run_id.lower())[:16] + name[:8].rstrip("_")
            pipeline = dlt.pipeline(
                f"{name}_{suffix}",
                pipelines_dir=str(folder.path),
                destination=destination,
                dataset_name=name,
            )
            use_custom_jobs(destination, folder.path)
            # what the last run left is of no interest: windows come from partitions
            pipeline.config.restore_from_destination = False
            return _fill(pipeline, run, first_started_at)


def _fill(
    pipeline: dlt.Pipeline, run: ReadRun, first_started_at: Mapping[str, int]
) -> tuple[Loaded, dict[str, int]]:
    name, destination = run.source.name, pipeline.destination
    known_types = {}
    if undeclared := [r.table for r in run.resources if not r.fields]:
        with open_warehouse(name) as warehouse:
            known_types = {table: warehouse.types(table) for table in undeclared}
    run.start(known_types)
    source = dlt_source(run.source, run, files=destination_kind(destination) == DEFAULT)
    pipeline.extract(source, loader_file_format=file_format(destination))
    if pipeline.list_extracted_load_packages():
        pipeline.normalize()
    if not pipeline.list_normalized_load_packages():
        return Loaded(None, destination.destination_name, name), {}
    pa.default_memory_pool().release_unused()  # what reading has used is the warehouse's now
    with load_lock(pipeline):
        try:
            info = pipeline.load(raise_on_failed_jobs=True)
        except BaseException:
            with suppress(Exception):  # what made the load fail is the message to give
                drop_staging(pipeline)
            raise
        with pipeline.sql_client() as client:
            deleted = mark_deleted(run, client, first_started_at)
        drop_staging(pipeline)
    run.loaded()
    done = Loaded(info.loads_ids[0], destination.destination_name, name, deleted.marked)
    return done, deleted.doubtful


@contextmanager
def _defaults() -> Iterator[None]:
    """Settings for the time of a load, below everything the user has set."""
    provider = CustomLoaderDocProvider("analytics_sync defaults", lambda: _DEFAULTS, False)
    providers = Container()[PluggableRunContext].providers
    added = provider.name not in providers
    if added:
        providers.add_provider(provider)
    noise = _HintNoise()
    dlt_log = logging.getLogger("dlt")
    dlt_log.addFilter(noise)
    try:
        yield
    finally:
        dlt_log.removeFilter(noise)
        if added:
            providers.providers.remove(provider)


class _HintNoise(logging.Filter):
    """JSON columns are text in Arrow; dlt warns about that difference for each table."""

    def filter(self, record: logging.LogRecord) -> bool:
        message: Any = record.msg
        return "several column hints were different" not in str(message)
