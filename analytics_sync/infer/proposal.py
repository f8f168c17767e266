"""The proposal: what is proposed for a resource, each with its reason.

In: the choices of the other modules. Out: plain objects, which ``writing`` turns into YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from analytics_sync.catalog.config.models import DataType

_MAX_LISTED = 12

Certainty = Literal["proven", "likely", "TODO"]
"""``proven``: another answer showed it. ``likely``: all records agree. ``TODO``: nothing is proposed."""


@dataclass(frozen=True)
class Choice:
    """One choice.

    Attributes:
        value: What is proposed; None if nothing is.
        reason: What the choice rests on, or what was tried.
        certainty: How far it is to be trusted.
    """

    value: Any
    reason: str
    certainty: Certainty = "likely"

    @property
    def comment(self) -> str:
        """The reason, as a comment of the file has it."""
        return f"{self.certainty}: {self.reason}"


def left_open(reason: str) -> Choice:
    """No proposal, and the reason why."""
    return Choice(None, reason, "TODO")


def listed(names: Sequence[str]) -> str:
    """Names in a sentence; the first ones of many."""
    more = len(names) - _MAX_LISTED
    text = ", ".join(names[:_MAX_LISTED])
    return f"{text} and {more} more" if more > 0 else text


@dataclass(frozen=True)
class ProposedColumn:
    """One column.

    Attributes:
        path: The field, as a catalog file spells it.
        data_type: Its type; None if no value shows one.
        note: What people should know of it; empty for nothing.
        format: The unit of a timestamp in numbers; None for all others.
    """

    path: str
    data_type: DataType | None
    note: str = ""
    format: Literal["epoch_s", "epoch_ms"] | None = None


@dataclass(frozen=True)
class ProposedParent:
    """Where the requests of a child take their value from.

    Attributes:
        resource: Name of the parent.
        field: The field of the parent.
        placeholder: The name of the value in the child's path, and of its column.
    """

    resource: str
    field: str
    placeholder: str


@dataclass(frozen=True)
class Proposal:
    """What is proposed for one resource.

    Attributes:
        name: Name of the resource.
        path: Below the base URL; empty if no address is known.
        params: Query parameters that each request has.
        selector: The place of the records.
        key_field: The field that takes the key of a record, where the API gives records by key.
        paginator: The paginator.
        count_path: The place of the total.
        incremental: The keys of ``incremental``.
        key: The primary key.
        columns: The columns.
        required: The fields that are never null.
        parent: Where the values of the path come from; None for no child.
        notes: What else people should know.
    """

    name: str
    path: str
    params: Mapping[str, Any]
    selector: Choice
    key: Choice
    columns: Sequence[ProposedColumn]
    required: Choice
    paginator: Choice
    incremental: Choice | None = None
    count_path: Choice | None = None
    key_field: str | None = None
    parent: ProposedParent | None = None
    notes: Sequence[str] = field(default_factory=tuple)
