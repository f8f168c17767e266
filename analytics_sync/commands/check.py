"""The subcommand ``analytics-sync check``: whether catalog files load, and what is wrong with them.

In: files of the command line, or the configured catalog. Out: an exit status, and a line for each file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from analytics_sync.catalog import CatalogError, Source, configured_files
from analytics_sync.catalog.building.deletes import unknown_deletes
from analytics_sync.catalog.configured import read_sources
from analytics_sync.catalog.loader import YAML_SUFFIXES, real_path
from analytics_sync.catalog.names import check_lengths, check_names
from analytics_sync.commands.output import show, wants_json
from analytics_sync.commands.sources import summary
from analytics_sync.commands.usage import WrongUsage
from analytics_sync.load.clients.destination import check_destination, configured_kind
from analytics_sync.load.clients.lock_wait import wait_limit
from analytics_sync.load.errors import LoadError
from analytics_sync.load.sharing.read_copy import read_copy_file


def check(options: argparse.Namespace) -> int:
    """Print a line for each file, and return 2 if one of them or a setting of the load is wrong.

    With ``--live``, ask each API for one page instead.
    """
    if options.live:
        from analytics_sync.commands.live_check import check_live  # the client loads for it only

        return check_live(options)
    if options.days is not None:
        raise WrongUsage("--days is for check --live: add --live, or leave --days out.")
    try:
        check_destination()
        wait_limit()
        read_copy_file()
    except LoadError as e:
        print(e, file=sys.stderr)
        return 2
    checked = options.files or configured_files()
    found, errors = read_sources(checked)
    for error in errors:
        print(error, file=sys.stderr)
    sources, entries = [], []
    for source in found:
        try:
            entries.append(_entry(source, has_notes=bool(options.files)))
        except CatalogError as e:
            print(e, file=sys.stderr)
            errors.append(e)
        if Path(source.file).suffix in YAML_SUFFIXES:  # Dagster loads no other file
            sources.append(source)
    document = {"sources": entries, "errors": [str(error) for error in errors]}
    if not wants_json(options):
        show(options, document, _lines(entries))
    check_names([*_sources_beside(checked), *sources])
    if configured_kind() == "postgres":
        check_lengths(sources)
    if wants_json(options):  # once the names are compared: a clash is an error
        show(options, document, ())
    return 2 if errors else 0


def _entry(source: Source, *, has_notes: bool) -> dict[str, Any]:
    notes = list(unknown_deletes(source)) if has_notes else []
    return {
        "file": source.file,
        "source": source.name,
        "summary": summary(source),
        "notes": notes,
    }


def _lines(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for entry in entries:
        yield f"{entry['file']}: {entry['source']}: {entry['summary']}"
        yield from (f"note: {note}" for note in entry["notes"])


def _sources_beside(checked: Sequence[Path]) -> Iterator[Source]:
    """The sources that Dagster loads beside the checked ones. A wrong file has no names."""
    known = {real_path(path) for path in checked}
    yield from read_sources([p for p in configured_files() if real_path(p) not in known])[0]
