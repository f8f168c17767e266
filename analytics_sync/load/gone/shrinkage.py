"""Shrinkage: a read that lists less than half of the living rows of a table.

In: a scope, the number of its living rows before the load, and the number of rows that were read. Out:
whether the read is believed, and the finding if it is not. A permission that was lost, a filter whose
default has changed and an outage look like a listing that is complete and short. Such a read marks and
replaces nothing, until somebody says that it is right.
"""

from __future__ import annotations

from collections.abc import Iterable

import dlt

from analytics_sync.catalog import Source
from analytics_sync.common.shown import listed
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.result import ReadResult
from analytics_sync.load.errors import LoadError
from analytics_sync.load.gone.scope import Scope

SETTING = "accept_shrunken"
VARIABLE = f"ANALYTICS_SYNC__{SETTING.upper()}"
NOT_BELIEVED = "less than half of the living rows were read"
# Fewer living rows say nothing: of three, two may well go in one day.
_MIN_ROWS = 5


def accepted_resources(source: Source, configured: Iterable[str] = ()) -> frozenset[str]:
    """The resources of a source whose shrinkage somebody has said to be right.

    Args:
        source: The declaration.
        configured: Names of resources in the configuration of the run, with or without the source.

    Raises:
        LoadError: A name is no resource.
    """
    named = _named()
    if wrong := [text for text in named if text.count("/") != 1]:
        raise LoadError(
            f"{VARIABLE} names {listed(wrong)}. Write source/resource, with commas between."
        )
    prefix = f"{source.name}/"
    names = (*named, *(_with_prefix(prefix, text) for text in configured))
    accepted = {text.removeprefix(prefix) for text in names if text.startswith(prefix)}
    known = {resource.name for resource in source.assets}
    if unknown := sorted(accepted - known):
        raise LoadError(
            f"{source.name}: {SETTING} names {listed(unknown)}, which is no resource of this source. "
            f"Known: {listed(sorted(known))}."
        )
    return frozenset(accepted)


def wrong_accepted(sources: Iterable[Source]) -> str | None:
    """What is wrong with the setting; None if each of its names is a resource."""
    known = {str(resource) for source in sources for resource in source.assets}
    if unknown := [text for text in _named() if text not in known]:
        return f"{VARIABLE} names {listed(unknown)}, which is no source/resource."
    return None


def _named() -> list[str]:
    """The names in the setting."""
    setting = dlt.config.get(f"analytics_sync.{SETTING}", str) or ""
    return [text.strip() for text in setting.split(",") if text.strip()]


def _with_prefix(prefix: str, name: str) -> str:
    return name if "/" in name else prefix + name


def is_shrunken(scope: Scope, before: int, now: int) -> bool:
    """Whether a read is too short to be believed.

    A listing with no records at all is more often a mistake than the truth, however few rows there were.
    A window or a parent may well become empty.

    Args:
        scope: The rows that the read speaks for.
        before: Number of its living rows before the load.
        now: Number of rows that were read.
    """
    if scope.is_listing and not now:
        return before > 0
    return before >= _MIN_ROWS and 2 * now < before


def record_shrinkage(result: ReadResult, before: int, effect: str) -> None:
    """Record the finding of a read that is not believed.

    Args:
        result: The read.
        before: Number of living rows that the table had in its scope.
        effect: What was not done, as a sentence.
    """
    resource = result.resource
    result.findings.add(
        COMPLETE,
        f"{result.rows} rows were read where the table had {before} living ones, less than half. {effect} "
        f"Look at the permissions of the key, the parameters of resource {resource.name!r} and the API's own "
        f"count. If the rows are gone, run again with {SETTING}: [{resource.name}] in the run's config of the "
        f"op {resource.source!r}, or with {VARIABLE}={resource}.",
    )
