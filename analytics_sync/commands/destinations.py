"""The subcommand ``analytics-sync destinations``: the kinds of warehouses, and what is known of each.

In: the table of destinations, and the configured destination. Out: a line for each kind, and the configured one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from analytics_sync.commands.output import show
from analytics_sync.commands.tables import table_lines
from analytics_sync.load.clients.destination import (
    check_destination,
    configured_kind,
    destination_name,
)
from analytics_sync.load.clients.destination_kinds import KINDS, MEANING, DestinationKind
from analytics_sync.load.errors import LoadError

_WRONG = 2
_HEAD = ("type", "warehouse", "support", "files", "note")


def destinations(options: argparse.Namespace) -> int:
    """Print the table, and return 2 if the configured destination is refused."""
    if options.markdown:
        print("\n".join(markdown()))
        return 0
    problem = ""
    try:
        check_destination()
    except LoadError as e:
        problem = str(e)
    document = {
        "destinations": [dict(zip(_HEAD, _row(kind), strict=True)) for kind in KINDS.values()],
        "configured": destination_name(),
        "configured_type": configured_kind(),
        "error": problem or None,
    }
    show(options, document, _lines())
    if problem:
        print(problem, file=sys.stderr)
    return _WRONG if problem else 0


def _lines() -> Iterator[str]:
    yield from table_lines([_HEAD, *map(_row, KINDS.values())])
    yield ""
    yield from (f"{support}: {meaning}" for support, meaning in MEANING.items())
    yield f"configured: {destination_name()} ({configured_kind()})"


def markdown() -> Iterator[str]:
    """The table as it stands in the docs."""
    yield f"| {' | '.join(_HEAD)} |"
    yield f"|{' --- |' * len(_HEAD)}"
    for kind in KINDS.values():
        name, *cells = _row(kind)
        yield f"| `{name}` | {' | '.join(cells)} |"


def _row(kind: DestinationKind) -> tuple[str, ...]:
    return kind.name, kind.title, str(kind.support), kind.file_format or "-", kind.note
