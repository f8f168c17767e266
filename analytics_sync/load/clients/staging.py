"""Staging datasets: each load has its own, and it is dropped soon after the load.

In: a connected client of a load that holds the load lock (``locks.load_lock``). Out: its staging dataset is dropped,
and so are the orphaned staging datasets of killed loads. Only the holder of the lock may have a
staging dataset.
"""

from __future__ import annotations

import logging
import re
import uuid
from typing import Any

from dlt.common.destination.exceptions import DestinationException
from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.load.clients.postgres_ddl import limit_lock_wait, run_ddl
from analytics_sync.load.errors import WarehouseInUse

_ID = re.compile(r"[0-9a-f]{16}")
# Seconds to wait for others who have looked at staged rows, a backup for instance: the next load tries
# again.
_WAIT = 10.0

log = logging.getLogger(__name__)


def staging_id() -> str:
    """A unique suffix for the name of a staging dataset."""
    return uuid.uuid4().hex[:16]


def drop_staging(client: SqlClientBase[Any]) -> None:
    """Drop this load's staging dataset. If others use it, the next load drops it.

    Args:
        client: A connected client of the load.
    """
    with client.with_staging_dataset():
        if client.has_dataset():
            try:
                _drop(client)
            except WarehouseInUse as e:
                log.warning("%s stays until the next load: %s", client.dataset_name, e)


def drop_orphaned_staging(client: SqlClientBase[Any], dataset: str) -> None:
    """Drop the staging datasets that killed loads into ``dataset`` have left.

    Args:
        client: A connected client that holds the dataset's load lock.
        dataset: The dataset whose staging datasets are dropped.
    """
    for name in staging_datasets(client, dataset):
        try:
            with client.with_alternative_dataset_name(name):
                _drop(client)
        except (DestinationException, WarehouseInUse) as e:
            # it may belong to another role, or others use it; it costs only space
            log.warning("%s, left by a killed run, cannot be dropped: %s", name, e)


def staging_datasets(client: SqlClientBase[Any], dataset: str) -> list[str]:
    """The staging datasets of loads into ``dataset`` that exist."""
    if client.capabilities.sqlglot_dialect == "sqlite":
        return []  # no row is staged there
    rows = client.execute_sql("SELECT schema_name FROM information_schema.schemata")
    prefix = f"{dataset}_staging_"
    return [
        name
        for (name,) in rows or ()
        if name.startswith(prefix) and _ID.fullmatch(name.removeprefix(prefix))
    ]


def _drop(client: SqlClientBase[Any]) -> None:
    """Drop the client's dataset.

    Raises:
        WarehouseInUse: Others use a table of it.
    """

    def drop() -> None:
        with client.begin_transaction():
            limit_lock_wait(client)
            client.drop_dataset()

    run_ddl(client, list, drop, limit=_WAIT)
