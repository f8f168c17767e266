"""Soft deletes: a mark on rows that the API no longer lists, and removal by ``replace``.

In: a finished run, its tables before and after the load. Out: ``_deleted_at`` on rows of earlier loads;
the rows that a load replaces; findings and reasons where a read is not believed. A merge clears the mark
of a row that the API lists again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog.building.deletes import unknown_orphans
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.foreign_objects import own_tables
from analytics_sync.load.clients.merge_sql import Replaced
from analytics_sync.load.gone.missing_rows import MissingRows, found_keys
from analytics_sync.load.gone.orphans import mark_orphans, remove_orphans
from analytics_sync.load.gone.replacements import plan_replacements
from analytics_sync.load.gone.scope import Scope, instant, living_rows, scope_to_mark
from analytics_sync.load.gone.second_reads import needs_second_read, second_reads
from analytics_sync.load.gone.shrinkage import NOT_BELIEVED, is_shrunken, record_shrinkage

_UNMARKED = "They are loaded, and no row was marked as deleted."

Connect = Callable[[], AbstractContextManager[SqlClientBase[Any]]]
"""Opens a client that is connected to the source's dataset, and holds the lock of the warehouse."""


@dataclass
class Deleted:
    """What a load marks and removes, by resource.

    Attributes:
        marked: Number of rows newly marked as deleted. A resource that nobody could judge is not in it.
        replaced: Number of rows that were removed, or replaced by their newest version.
        not_judged: Why rows that are gone may be there without a mark.
        read_twice: Resources that were read again, because rows were missing.
    """

    marked: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    not_judged: dict[str, str] = field(default_factory=dict)
    read_twice: set[str] = field(default_factory=set)


class SoftDeletes:
    """The marks and removals of one load.

    Args:
        run: A finished run. Its failed resources are left out.
        accepted: Resources whose shrinkage is right.
    """

    def __init__(self, run: ReadRun, accepted: Collection[str] = ()) -> None:
        self._run = run
        self._accepted = accepted
        self._before: dict[str, int] = {}
        self.unconfirmed: dict[str, Scope] = {}
        """What a second read must confirm before rows are marked, by resource."""
        self.deleted = Deleted()

    def plan(self, client: SqlClientBase[Any]) -> dict[str, Replaced]:
        """Look at the tables before the load; the rows that it replaces, by table."""
        for result in self._marking():
            scope = scope_to_mark(self._run, result)
            if isinstance(scope, Scope):
                self._before[result.resource.name] = living_rows(client, scope)
        replaced, found = plan_replacements(self._run, client, self._accepted)
        for name, planned in found.items():
            if isinstance(planned, str):
                self.deleted.not_judged[name] = planned
                continue
            scope, self.deleted.replaced[name] = planned
            remove_orphans(self._run.source, self._run.result(name), scope, client)
        return replaced

    def mark(self, client: SqlClientBase[Any]) -> None:
        """Mark the rows that complete reads did not find, once the rows of the run are loaded."""
        for result in self._marking():
            self._mark(result, client)
        if not self.unconfirmed:
            self._mark_orphans(client)

    def confirm(self, connect: Connect) -> None:
        """Read again where rows may be missing that the API lists, and mark those that are gone."""
        with second_reads(self._run, self.unconfirmed) as confirmations, connect() as client:
            for name, confirmation in confirmations.items():
                if isinstance(confirmation, str):
                    self.deleted.not_judged[name] = confirmation
                else:
                    self._mark_confirmed(name, *confirmation, client)
            self._mark_orphans(client)

    def _marking(self) -> list[ReadResult]:
        """The finished reads of resources whose rows are marked."""
        failed = self._run.failures()
        return [
            self._run.result(r.name)
            for r in self._run.resources
            if r.soft_deletes and r.name not in failed
        ]

    def _mark(self, result: ReadResult, client: SqlClientBase[Any]) -> None:
        name, deleted = result.resource.name, self.deleted
        scope = scope_to_mark(self._run, result)
        if not isinstance(scope, Scope):
            deleted.not_judged[name] = scope
            return
        before = self._before.get(name, 0)
        missing = MissingRows(client, scope)
        needs_confirmation = needs_second_read(self._run, scope)
        # Rows of a window may have moved to another one: only a second read tells.
        doubted_later = needs_confirmation and scope.window is not None
        with own_tables(client, result.resource.table):
            if count := missing.count():
                if not doubted_later and self._is_doubted(scope, result, before):
                    return
                if needs_confirmation:
                    self.unconfirmed[name] = scope
                    return
                missing.mark()
        deleted.marked[name] = count

    def _mark_confirmed(
        self, name: str, scope: Scope, second: ReadResult, client: SqlClientBase[Any]
    ) -> None:
        result, deleted = self._run.result(name), self.deleted
        deleted.read_twice.add(name)
        with own_tables(client, result.resource.table):
            missing = MissingRows(client, scope)
            keys = missing.keys()
            elsewhere = found_keys(second, keys)
            before = self._before.get(name, 0)
            if len(elsewhere) < len(keys) and self._is_doubted(
                scope, result, before - len(elsewhere)
            ):
                return
            if elsewhere:
                missing.mark_only(keys - elsewhere)
            else:
                missing.mark()
        deleted.marked[name] = len(keys) - len(elsewhere)

    def _is_doubted(self, scope: Scope, result: ReadResult, before: int) -> bool:
        """Whether a read is too short to be believed; it gets a finding then."""
        name = result.resource.name
        if name in self._accepted or not is_shrunken(scope, before, result.rows):
            return False
        record_shrinkage(result, before, _UNMARKED)
        self.deleted.not_judged[name] = NOT_BELIEVED
        return True

    def _mark_orphans(self, client: SqlClientBase[Any]) -> None:
        """Mark the children of parents that are gone, parents first."""
        deleted, failed = self.deleted, self._run.failures()
        for child in self._run.resources:
            if child.parent is None or child.name in failed:
                continue
            started_at = self._run.result(child.name).started_at
            since = datetime.now(UTC) if started_at is None else instant(started_at)
            count = mark_orphans(self._run.source, child, client, since)
            if count:
                deleted.marked[child.name] = deleted.marked.get(child.name, 0) + count
            if self._run.source.windowed(child) and (
                reason := unknown_orphans(self._run.source, child)
            ):
                deleted.not_judged.setdefault(child.name, reason)
