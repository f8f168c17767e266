"""The children of many parents: a job for each parent, and the children that the API refused.

In: the values of parents, as they were read. Out: jobs that read the pages of each parent's children;
the refused children, named in the result; a finding or an error when so many are absent, or the same for
several parents, that the declaration must be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from analytics_sync.common.errors import HttpStatusError
from analytics_sync.common.shown import listed
from analytics_sync.extract.concurrency import Job
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.judges.ignored import is_gone
from analytics_sync.extract.judges.parent_filter import ParentFilter
from analytics_sync.extract.page_reader import PageReader
from analytics_sync.extract.parents import Parent, ParentValues
from analytics_sync.extract.read_context import ReadContext
from analytics_sync.extract.result import Page

_MAX_NAMED = 5
# Not there, or not there any more. Other ignored statuses say that the key may not read the children.
_NOT_THERE = frozenset({404, 410})


class Children:
    """The children of many parents.

    Args:
        context: The context of the read.
        reader: Reads the children of one parent.
        parents: The values of the parents.
    """

    def __init__(self, context: ReadContext, reader: PageReader, parents: ParentValues) -> None:
        self._context = context
        self._reader = reader
        self._parents = parents
        self._remaining = enumerate(parents)
        self._refused: dict[int, tuple[Parent, HttpStatusError]] = {}
        self._filter = ParentFilter(
            context.resource, parents, lambda p: reader.pages(p, context.window), context.place
        )
        self._count = context.result.children = len(parents)
        context.result.parents_without = parents.skipped

    def next_job(self, _: bool) -> Job[Page] | None:
        """The job that reads the children of the next parent."""
        following = next(self._remaining, None)
        return (lambda: self._read(*following)) if following else None

    def _read(self, number: int, parent: Parent) -> Iterator[Page]:
        first = True
        try:
            for page in self._reader.pages(parent, self._context.window):
                if first:
                    self._filter.add(parent, page)
                first = False
                yield page
                del page  # its memory must be free before the next page is decoded
            if not first:
                self._context.result.parents_read.add(parent.key)
        except HttpStatusError as e:
            # A child is gone when its first page is. If a later page is gone, records are missing.
            if not first or not (e.is_ignored or is_gone(e)):
                raise
            self._refused[number] = parent, e

    def judge(self) -> None:
        """Judge the children that were not read, once all others were.

        Raises:
            HttpStatusError: The API refused the children of all parents.
        """
        result = self._context.result
        refused = [self._refused[number] for number in sorted(self._refused)]
        result.skipped += [_named(parent, error) for parent, error in refused]
        some_count = len(refused) < self._count or any(e.is_ignored for _, e in refused)
        if refused and not some_count:
            _, last = refused[-1]
            all_of_them = f"all {self._count} children" if self._count > 1 else "the only child"
            raise HttpStatusError(
                self._context.place,
                f"{all_of_them} answered {last.status}, the last: {last.happened}",
                last.advice,
                status=last.status,
            )
        for parent, error in refused:
            if error.is_ignored and error.status in _NOT_THERE:
                result.parents_without_listing.add(parent.key)
        undeclared = [pair for pair in refused if not pair[1].is_ignored]
        result.refused = len(undeclared)
        self._judge_replacement(undeclared)
        self._judge_parents()

    def _judge_replacement(self, refused: list[tuple[Parent, HttpStatusError]]) -> None:
        """Record that a table must not be replaced: a refusal does not say that there are no records."""
        result = self._context.result
        if not refused or result.resource.write_disposition != "replace":
            return
        statuses = ", ".join(sorted({str(error.status) for _, error in refused}))
        named = "; ".join(_named(*pair) for pair in refused[:_MAX_NAMED])
        result.findings.add(
            COMPLETE,
            f"The API refused {len(refused)} of {self._count} children, for example {named}. If such "
            f"children have no records, declare response_actions with status_code {statuses} and "
            "action ignore.",
        )

    def _judge_parents(self) -> None:
        """Record what parents without a value show."""
        result, parents = self._context.result, self._parents
        if parents.without_value:
            result.parents_complete = False  # their children were not requested
        if (field := parents.absent_field()) is not None:
            result.findings.add(
                COMPLETE,
                f"None of {parents.without_value} records of the parent {result.resource.parent} has the "
                f"field {field!r}, so no child was requested. Correct the field in endpoint.params of "
                f"resource {result.resource.name!r}.",
            )


def _named(parent: Parent, error: HttpStatusError) -> str:
    """The parent of a refused child, and the status."""
    values = listed(f"{name}={value}" for name, value in parent.params)
    return f"{values}: {error.status}"
