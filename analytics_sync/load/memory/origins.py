"""The origin of a dataset's rows: rows of two addresses or accounts do not get into one table.

In: the accounts that a run reads, and a connection. Out: the table ``_origin``, which says for each resource
where its rows come from. A resource with another address, or another value of a setting in its path, is
refused: nothing of it is read. Changed credentials may be a new key of the same account: they are
reported, and loaded. The origin of a table without rows counts no more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dlt
from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Resource
from analytics_sync.catalog.naming import variable_name
from analytics_sync.common.errors import OtherAccount, Place
from analytics_sync.common.shown import shown
from analytics_sync.extract.rest_client.account import (
    ADDRESS,
    AccountPart,
    same_address,
)
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.tables.system_tables import ORIGIN, insert

_SETTING = "accept_origin"
_MAX_KEYS = 8  # marks of one part, each by another user or machine
_REPORTED = timedelta(days=7)  # so long a change is reported
_MAX_VALUE = 200  # characters of an address in a message


@dataclass(frozen=True)
class Noted:
    """A row of ``_origin``."""

    value: str
    mark_key: str
    noted_at: datetime
    replaced_at: datetime | None


Origins = Mapping[str, Mapping[str, list[Noted]]]  # resource -> part


def read_origins(client: SqlClientBase[Any]) -> Origins:
    """The noted origins by resource and part. The table exists."""
    names = ("resource", "part", "value", "mark_key", "noted_at", "replaced_at")
    columns = ", ".join(client.escape_column_name(name) for name in names)
    found: dict[str, dict[str, list[Noted]]] = {}
    query = f"SELECT {columns} FROM {client.make_qualified_table_name(ORIGIN)}"
    for resource, part, *noted in client.execute_sql(query) or ():
        found.setdefault(resource, {}).setdefault(part, []).append(Noted(*noted))
    return found


def refuse_other_accounts(
    run: ReadRun, origins: Origins, filled: Collection[str], failed: Collection[str] = ()
) -> list[Resource]:
    """Turn the resources whose table has rows of another account into failures; return them.

    Args:
        run: The run, read or not.
        origins: What ``read_origins`` returned.
        filled: The tables that hold rows.
        failed: Resources that failed already.
    """
    refused = []
    accepted = _accepted(run.source.name)
    for resource in run.resources:
        if resource.table not in filled or resource.name in failed:
            continue
        noted = origins.get(resource.name, {})
        changed = {
            name: (old, part)
            for name, part in run.account.parts(resource).items()
            if part.is_certain and (old := _other(part, noted.get(name, ())))
            if not _is_accepted(name, part, accepted)
        }
        if changed:
            run.fail(resource.name, _error(run, resource, changed))
            refused.append(resource)
    return refused


def note_origins(
    client: SqlClientBase[Any], run: ReadRun, origins: Origins, filled: Collection[str]
) -> dict[str, list[str]]:
    """Note the origins of a load whose rows are in their tables.

    Args:
        client: A client that holds the load lock.
        run: The run. Its failed resources are left out.
        origins: What ``read_origins`` returned.
        filled: The tables that held rows before the load.

    Returns:
        The parts that were replaced not long ago and may be another account, by resource.
    """
    failed, now = run.failures(), datetime.now(UTC)
    accepted = _accepted(run.source.name)
    changes: dict[str, list[str]] = {}
    new: list[dict[str, Any]] = []
    with client.begin_transaction():
        for resource in run.resources:
            if resource.name in failed:
                continue
            noted = dict(origins.get(resource.name, {})) if resource.table in filled else {}
            if origins.get(resource.name) and not noted:
                _delete(client, resource.name)
            for name, part in run.account.parts(resource).items():
                old = _other(part, noted.get(name, ()))
                since = now if old else _replaced_at(part, noted.get(name, ()))
                is_accepted = _is_accepted(name, part, accepted)
                if since and now - since < _REPORTED and not part.is_certain and not is_accepted:
                    changes.setdefault(resource.name, []).append(_change(name, old, part, since))
                if old or not any(_is_same(part, n) for n in noted.get(name, ())):
                    _make_room(client, resource.name, name, part, noted.get(name, []))
                    new.append(_row(resource, name, part, now, now if old else None))
        insert(client, ORIGIN, new)
    return changes


def _row(
    resource: Resource, name: str, part: AccountPart, now: datetime, replaced_at: datetime | None
) -> dict[str, Any]:
    return {
        "resource": resource.name,
        "part": name,
        "value": part.value,
        "mark_key": part.key,
        "noted_at": now,
        "replaced_at": replaced_at,
    }


def _other(part: AccountPart, noted: Collection[Noted]) -> Noted | None:
    """The noted value, if it can be compared and is another one."""
    return next((n for n in noted if n.mark_key == part.key and n.value != part.value), None)


def _is_same(part: AccountPart, noted: Noted) -> bool:
    return (noted.mark_key, noted.value) == (part.key, part.value)


def _replaced_at(part: AccountPart, noted: Collection[Noted]) -> datetime | None:
    """When the value took the place of another one; None if it is the first."""
    return next((n.replaced_at for n in noted if _is_same(part, n)), None)


def _make_room(
    client: SqlClientBase[Any], resource: str, name: str, part: AccountPart, noted: list[Noted]
) -> None:
    """Remove what a new row takes the place of, and the oldest of many marks."""
    gone = {n.mark_key for n in noted if n.mark_key == part.key}
    others = sorted((n for n in noted if n.mark_key not in gone), key=lambda n: n.noted_at)
    gone |= {n.mark_key for n in others[: max(0, len(others) - _MAX_KEYS + 1)]}
    for key in gone:
        _delete(client, resource, "AND part = %s AND mark_key = %s", name, key)


def _delete(client: SqlClientBase[Any], resource: str, where: str = "", *values: Any) -> None:
    table = client.make_qualified_table_name(ORIGIN)
    client.execute_sql(f"DELETE FROM {table} WHERE resource = %s {where}", resource, *values)


def _accepted(source: str) -> frozenset[str]:
    """The parts that the setting accepts."""
    value = dlt.config.get(f"sources.{source}.{_SETTING}", str) or ""
    return frozenset(value.replace(",", " ").split())


def _is_accepted(name: str, part: AccountPart, accepted: frozenset[str]) -> bool:
    if name == ADDRESS:
        return any(same_address(text, part.value) for text in accepted)
    return name in accepted or f"{name}={part.value}" in accepted


def _change(name: str, old: Noted | None, part: AccountPart, since: datetime) -> str:
    day = f"{since.astimezone(UTC):%Y-%m-%d}"
    if part.key:
        return f"{name} changed on {day}"
    before = f" from {shown(old.value)}" if old else ""
    return f"{name} changed{before} to {shown(part.value)} on {day}"


def _error(
    run: ReadRun, resource: Resource, changed: Mapping[str, tuple[Noted, AccountPart]]
) -> OtherAccount:
    certain = {n: p for n, p in run.account.parts(resource).items() if p.is_certain}
    before = {n: changed[n][0].value if n in changed else p.value for n, p in certain.items()}
    hidden = {n for n, p in certain.items() if p.key}
    shown_before = _in_words(before, dict.fromkeys(hidden & changed.keys(), "another one"), hidden)
    now = _in_words({n: p.value for n, p in certain.items()}, {}, hidden - changed.keys())
    variable = variable_name(run.source.name, _SETTING)
    return OtherAccount(
        Place(run.source.name, resource.name, run.window),
        f"the table {run.source.dataset}.{resource.table} holds rows of {shown_before}, and the settings "
        f"name {now}. Nothing was loaded.",
        "Set the settings of the table's rows again, take another warehouse, or start over "
        f"(analytics-sync schema reset {resource}). If it is the same account at a new address, set "
        f"{variable}='{' '.join(_accepting(changed))}' for one run.",
    )


def _accepting(changed: Mapping[str, tuple[Noted, AccountPart]]) -> Iterator[str]:
    """What the setting must hold to accept the change."""
    for name, (_, part) in changed.items():
        if name == ADDRESS:
            yield part.value
        else:
            yield name if part.key else f"{name}={part.value}"


def _in_words(values: Mapping[str, str], words: Mapping[str, str], hidden: Collection[str]) -> str:
    """An origin in words: its address, and the settings in its paths.

    Args:
        values: The values or marks by name.
        words: Words in place of values.
        hidden: Names of values that are left out where they have no words.
    """
    named = [
        f"{name}={words.get(name) or shown(value)}"
        for name, value in values.items()
        if name != ADDRESS and (name in words or name not in hidden)
    ]
    address = shown(values[ADDRESS], _MAX_VALUE)
    return f"{address} with {', '.join(named)}" if named else address
