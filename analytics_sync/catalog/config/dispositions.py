"""The write disposition and the schema contract: dlt's spellings -> ours, or the reason why not.

In: the value of ``write_disposition`` or ``schema_contract`` in a catalog file. Out: one word, or an error that
says what dlt does then and what to declare here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from analytics_sync.catalog.config.base_model import Model

_MERGES = frozenset({"upsert", "delete-insert"})
_REFUSED_STRATEGIES = {
    "scd2": "scd2 keeps each version of a row as a row of its own, and a table here has one row per key. "
    "Add the time of change to primary_key, if the API lists all versions",
    "insert-only": "insert-only keeps the first version of a row, and a merge here keeps the last one",
}
_REFUSED_DISPOSITIONS = {
    "append": "append would double rows when a partition runs again; declare a primary_key and use merge",
    "skip": "skip loads nothing; leave the resource out, or declare selected: false",
}


class DispositionKeys(Model):
    """The write disposition in dlt's longer form."""

    disposition: Literal["merge", "replace"]
    """The write disposition."""
    strategy: Literal["upsert", "delete-insert"] | None = None
    """The strategy of merge. Both are the same here."""


def read_disposition(value: Any) -> Any:
    """``merge`` or ``replace``; any other value as it is.

    Raises:
        ValueError: dlt knows the value, and rows would be others here.
    """
    strategy = None
    if isinstance(value, Mapping):
        keys = dict(value)
        value, strategy = keys.pop("disposition", None), keys.pop("strategy", None)
        if keys:
            raise ValueError(
                f"{', '.join(map(str, keys))} of write_disposition has no effect here; expected disposition "
                "and strategy only"
            )
    if isinstance(value, str) and value in _REFUSED_DISPOSITIONS:
        raise ValueError(_REFUSED_DISPOSITIONS[value])
    if strategy is None or (value == "merge" and strategy in _MERGES):
        return value
    if reason := _REFUSED_STRATEGIES.get(str(strategy)):
        raise ValueError(reason)
    if value == "replace":
        raise ValueError(
            f"expected replace without a strategy, found {strategy!r}: rows are replaced in one transaction"
        )
    raise ValueError(f"expected strategy upsert or delete-insert, found {strategy!r}")


def read_contract(value: Any) -> Any:
    """Whether columns follow the data: ``evolve``, or another value as it is.

    Raises:
        ValueError: dlt knows the value, and loses or refuses rows then.
    """
    if isinstance(value, Mapping):
        tables = {key: mode for key, mode in value.items() if key != "columns"}
        if others := {key: mode for key, mode in tables.items() if mode != "evolve"}:
            key, mode = next(iter(others.items()))
            raise ValueError(f"{key}: {mode} has no counterpart here; expected columns: evolve")
        value = value.get("columns", "evolve")
    if value in ("discard_value", "discard_row", "freeze"):
        raise ValueError(
            f"columns: {value} would lose data. Without schema_contract, fields that are not among the columns "
            "go to _extra, and the check declared_schema names them"
        )
    return value
