"""A resource that declares no columns: loads of its records, and its rows in either warehouse.

In: a scripted API and records. Out: runs as a fresh process makes them, in which only the warehouse remembers
anything; rows with JSON decoded.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.each_warehouse import Warehouse
from analytics_sync_tests.support.scripted_api import Api, item, shop


def undeclared(**keys: Any) -> dict[str, Any]:
    """A resource that declares no columns, and keeps the rows that are not listed any more."""
    declared = item(**{"deletes": "none", **keys})
    del declared["columns"]
    return declared


def sync(api: Api, *records: dict[str, Any], **keys: Any) -> ReadRun:
    """Load a listing of these records."""
    api.on("/items", list(records))
    with ReadRun(shop(undeclared(**keys))) as run:
        load(run, "run")
        for error in run.failures().values():
            raise error
        return run


def row(warehouse: Warehouse, key: Any) -> dict[str, Any]:
    """A row, with JSON decoded."""
    found = {r["id"]: r for r in warehouse.rows()}[key]
    types = warehouse.types()
    return {
        column: json.loads(value) if types.get(column) == "json" and value is not None else value
        for column, value in found.items()
    }


def extra(warehouse: Warehouse, key: Any) -> dict[str, Any]:
    """What ``_extra`` of a row holds."""
    text = row(warehouse, key)["_extra"]
    return json.loads(text, parse_float=Decimal) if text is not None else {}


def is_same(sent: Any, value: Any) -> bool:
    """Whether a column holds a value as it was sent, in whatever type."""
    if isinstance(value, datetime):
        sent = datetime.fromisoformat(sent)
        return bool(value == (sent if sent.tzinfo else sent.replace(tzinfo=UTC)))
    if isinstance(value, date):
        return bool(sent == value.isoformat())
    if isinstance(sent, bool) and isinstance(value, str):
        return value == ("true" if sent else "false")
    if isinstance(sent, int | float) and isinstance(value, str):
        return Decimal(value) == Decimal(str(sent)) or float(value) == sent
    if isinstance(value, int | float | Decimal) and isinstance(sent, str):
        return sent == str(value)
    return bool(sent == value)
