"""The probe of a merge: what it looks for among the rows that its new rows meet.

In: the columns of a merge, and where its new rows are. Out: SQL, and what the rows that it finds mean. The merge
compares the keys of the table with new keys anyway. A look afterwards would read the keys of the table again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analytics_sync.common.uuids import LIKE_UUID, is_uuid

UNEXPECTED = "SELECT /* unexpected */"
"""The begin of the statement that counts, by time, the rows of which nobody expects a new version."""
SPELLED = "SELECT /* other spellings */"
"""The begin of the statement that finds rows whose keys are new keys in another spelling."""
_MAX_KEYS = 1000  # that are named


@dataclass(frozen=True)
class MergeProbe:
    """What a merge looks for. It changes nothing.

    Attributes:
        cursor: The column with the time of a row; None without one.
        expected: A condition on the rows ``old`` that new rows should take the place of; None counts none of
            the others.
        folds_case: Whether to look for the UUIDs of new rows in upper and in lower case.
    """

    cursor: str | None = None
    expected: str | None = None
    folds_case: bool = False


@dataclass(frozen=True)
class ProbedColumns:
    """The quoted columns of a merge that its probe needs.

    Attributes:
        keys: The primary key.
        texts: The columns of the key that hold texts.
        cursor: The time of a row, as SQL that may follow ``new.``; None without one.
        carried: Further columns of a new row that the merge needs.
    """

    keys: Sequence[str]
    texts: Sequence[str]
    cursor: str | None
    carried: Sequence[str] = ()

    @property
    def time(self) -> str:
        """The time of a new row."""
        return f"new.{self.cursor}" if self.cursor else "NULL"

    @property
    def of_variants(self) -> list[str]:
        """The columns of the rows that ``variants`` makes."""
        cursor = [self.cursor] if self.cursor else []
        return list(dict.fromkeys([*self.keys, *self.carried, *cursor]))


def probed_columns(
    table: Any, probe: MergeProbe, quote: Callable[[str], str], keys: Sequence[str], carried: str
) -> ProbedColumns:
    """The columns that a probe needs.

    Args:
        table: dlt's declaration of the table.
        probe: The probe.
        quote: Quotes the name of a column.
        keys: The columns of the primary key, not quoted.
        carried: A further column of a new row that the merge needs, if the table has it.
    """
    columns = table["columns"]
    texts = [quote(k) for k in keys if columns[k].get("data_type") == "text"]
    cursor = quote(probe.cursor) if probe.cursor and probe.cursor in columns else None
    return ProbedColumns(
        [quote(k) for k in keys],
        texts if probe.folds_case else [],
        cursor,
        [quote(carried)] if carried in columns else [],
    )


def variants(columns: ProbedColumns, rows: str, more: str = "") -> str:
    """New rows with their UUIDs in lower and in upper case, as a query; those that are so already are left out.

    Args:
        columns: The columns of the merge.
        rows: The new rows, as SQL that may follow FROM.
        more: A further column, with a comma before it.
    """
    queries = []
    for fold in ("lower", "upper"):
        selected = [
            f"CASE WHEN {c} LIKE '{LIKE_UUID}' THEN {fold}({c}) ELSE {c} END AS {c}"
            if c in columns.texts
            else c
            for c in columns.of_variants
        ]
        changed = [f"({c} LIKE '{LIKE_UUID}' AND {fold}({c}) <> {c})" for c in columns.texts]
        queries.append(
            f"SELECT {', '.join(selected)}{more} FROM {rows} AS new WHERE {' OR '.join(changed)}"
        )
    return " UNION ALL ".join(queries)


def spelled_columns(columns: ProbedColumns, row: str = "new") -> str:
    """What a statement selects of a row that has a key in another spelling."""
    return ", ".join([columns.time, *(f"lower({row}.{text})" for text in columns.texts)])


def limited(query: str) -> str:
    """The first rows of a query of other spellings."""
    return f"{SPELLED} found.* FROM ({query}) AS found LIMIT {_MAX_KEYS}"


def spelled_keys(rows: Iterable[Sequence[Any]]) -> Mapping[str, Any]:
    """The time of a row for each key that is there in another spelling; texts that are no UUIDs are left out.

    Args:
        rows: The rows of the statement ``SPELLED``.
    """
    found: dict[str, Any] = {}
    for time, *texts in rows:
        if key := ", ".join(text for text in texts if is_uuid(text)):
            found[key] = time
    return found
