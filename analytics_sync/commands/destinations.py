"""The subcommand ``analytics-sync destinations``: the kinds of warehouses, and what is known of each.

In: the table of destinations, and the configured destination. Out: a line for each kind, and the configured one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

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
    for line in table_lines([_HEAD, *map(_row, KINDS.values())]):
        print(line)
    print()
    for support, meaning in MEANING.items():
        print(f"{support}: {meaning}")
    print(f"configured: {destination_name()} ({configured_kind()})")
    try:
        check_destination()
    except LoadError as e:
        print(e, file=sys.stderr)
        return _WRONG
    return 0


def markdown() -> Iterator[str]:
    """The table as it stands in the docs."""
    yield f"| {' | '.join(_HEAD)} |"
    yield f"|{' --- |' * len(_HEAD)}"
    for kind in KINDS.values():
        name, *cells = _row(kind)
        yield f"| `{name}` | {' | '.join(cells)} |"


def _row(kind: DestinationKind) -> tuple[str, ...]:
    return kind.name, kind.title, str(kind.support), kind.file_format or "-", kind.note
