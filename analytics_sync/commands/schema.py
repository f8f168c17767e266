"""The subcommands of ``analytics-sync schema``: diff, heal and reset.

In: command-line arguments. Out: an exit status, and a line for each table on standard output. Declarations
change, and so do tables: these commands say what the next run does about it, and start tables over.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.configured import configured_catalog
from analytics_sync.catalog.plan import plan_of
from analytics_sync.commands.output import show, wants_json
from analytics_sync.commands.parsers.commands import PLACE
from analytics_sync.commands.places import UnknownPlace, in_source, source_of
from analytics_sync.common.shown import counted

if TYPE_CHECKING:
    from analytics_sync.load.schema_changes import Result

_DIFFERENT = 1  # also: a table could not be changed
_WRONG = 2  # usage, a catalog file, or a warehouse that cannot be opened


def _reported(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """``run``, with the first line of an error on standard error."""

    def reported(options: argparse.Namespace) -> int:
        from analytics_sync.load.errors import LoadError

        try:
            return run(options)
        except LoadError as e:
            print(str(e).partition("\n")[0], file=sys.stderr)
            return _WRONG

    return reported


@_reported
def diff(options: argparse.Namespace) -> int:
    """Print the differences between tables and declarations."""

    def work(source: Source, resources: list[Resource], job_client: Any) -> Iterator[str]:
        from analytics_sync.load.schema_diff import differences

        yield from differences(source, resources, job_client)

    found = [str(text) for text in _each_source(options.place, work, to_change=False)]
    total = counted(len(found), "difference") if found else "no differences"
    show(options, {"differences": found}, [*found, total])
    return _DIFFERENT if found else 0


@_reported
def heal(options: argparse.Namespace) -> int:
    """Fill columns from ``_extra``, and print a line for each table."""

    def work(_: Source, resources: list[Resource], job_client: Any) -> Iterator[Result]:
        from analytics_sync.load.schema_changes import heal_tables

        yield from heal_tables(resources, job_client, dry_run=options.dry_run)

    return _show(options, _each_source(options.place, work, to_change=not options.dry_run))


@_reported
def reset(options: argparse.Namespace) -> int:
    """Drop tables, and print the command that loads them again."""

    only_look = not options.yes

    def work(source: Source, resources: list[Resource], job_client: Any) -> Iterator[Result]:
        from analytics_sync.load.schema_changes import reset_tables

        yield from reset_tables(source, resources, job_client, dry_run=only_look)

    next_steps = [
        line
        for source, resources in _chosen(options.place)
        for line in _backfills(source, resources)
    ]
    status = _show(options, _each_source(options.place, work, to_change=options.yes), next_steps)
    if only_look and not options.dry_run:
        print("Nothing was dropped: add --yes to drop it.", file=sys.stderr)
        return _WRONG
    return status


def _show(
    options: argparse.Namespace, results: Iterable[Result], next_steps: Sequence[str] = ()
) -> int:
    found = []
    for r in results:
        found.append({"asset": str(r.resource), "text": r.text, "failed": r.failed})
        if not wants_json(options):  # at once: a table may take minutes
            print(f"{r.resource}: {r.text}", flush=True)
    show(options, {"tables": found, "next_steps": list(next_steps)}, next_steps)
    return _DIFFERENT if any(entry["failed"] for entry in found) else 0


def _each_source(
    place: str | None,
    work: Callable[[Source, list[Resource], Any], Iterator[Any]],
    *,
    to_change: bool,
) -> Iterator[Any]:
    """What ``work`` yields for the chosen resources of each source, with the source's dataset open."""
    from analytics_sync.load.schema_changes import connected

    for source, resources in _chosen(place):
        with connected(source.name, to_change=to_change) as job_client:
            yield from work(source, resources, job_client)


def _chosen(place: str | None) -> list[tuple[Source, list[Resource]]]:
    """The sources and resources that the command line names.

    Raises:
        UnknownPlace: One of them is not declared, or the file of the source is wrong.
    """
    catalog = configured_catalog()
    if place is None:
        for broken in catalog.broken:  # first, so that nobody takes the rest for all
            raise UnknownPlace(f"{broken.error}. Or name a source of another file: {PLACE}")
        sources = catalog.sources.values()
        return [(source, list(source.assets)) for source in sources if plan_of(source).is_enabled]
    name, _, wanted = place.partition("/")
    source = source_of(catalog, name)
    return [(source, in_source(source, wanted))]


def _backfills(source: Source, resources: Iterable[Resource]) -> Iterator[str]:
    """The commands that load tables again after they were started over."""
    from analytics_sync.defs.partitions.source_partitions import partitions_of

    names = {True: list[str](), False: list[str]()}
    for resource in resources:
        names[source.windowed(resource)].append(str(resource))
    load = "dagster asset materialize -m analytics_sync.definitions --select"
    if names[False]:
        yield f"Then load again: {load} '{' or '.join(_keys(names[False]))}'"
    if names[True]:
        partitions = partitions_of(plan_of(source))
        first, last = partitions.get_first_partition_key(), partitions.get_last_partition_key()
        yield (
            f"Then load all partitions again: {load} '{' or '.join(_keys(names[True]))}' "
            f"--partition-range {first}...{last}"
        )


def _keys(names: Iterable[str]) -> Iterator[str]:
    return (f'key:"{name}"' for name in names)
