"""Names that a source takes outside of its file: no two sources may take the same.

In: finished sources. Out: nothing, or a ``CatalogError`` that names both files. A dataset, a job and an
environment variable have shorter spellings than the names they come from: ``my__shop`` and ``my_shop``
are one dataset, and the setting ``eu__api_key`` of ``shop`` is ``api_key`` of ``shop__eu``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from analytics_sync.catalog.config.team_keys import TEAM_SETTINGS, Level
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.naming import variable_name
from analytics_sync.catalog.source import Source

POSTGRES_LIMIT = 63
"""PostgreSQL's limit of a name, in bytes. It cuts a longer name without an error."""

# Settings that a run looks up without a declaration, and what it adds to a declared one.
_UNDECLARED = ("base_url", "allow_http", "accept_origin", *TEAM_SETTINGS)
_NAME_OF = "_name"
_OWN = ("job", "sync_everything")

PROJECT_VARIABLES = tuple(
    f"ANALYTICS_SYNC__{name}"
    for name in (
        "ACCEPT_SHRUNKEN",
        "ALERTS__ALLOW_HTTP",
        "ALERTS__DAGSTER_URL",
        "ALERTS__URLS",
        "ALLOW_UNTESTED_DESTINATION_THAT_MAY_LOSE_ROWS",
        "AUTOMATION",
        "CATALOG_DIR",
        "CATCH_UP_DAYS",
        "CATCH_UP_RUNS",
        "CELERY_BROKER",
        "COORDINATION",
        "DESTINATION",
        "EXECUTOR",
        "EXECUTOR_PROCESSES",
        "JOURNAL_DIR",
        "JUDGE_FRESHNESS",
        "PARTITIONS_PER_RUN",
        "READ_COPY",
        "REPOSITORY_URL",
        "RETRIES",
        "RETRY_SECONDS",
        "START_DATE",
        "TRUSTED_ROLES",
        "WAIT_FOR_WAREHOUSE",
    )
)
"""Settings of the project, as environment variables."""


class _Taken(NamedTuple):
    """A name that is taken: what has it, as the file spells it, and the line."""

    kind: str
    name: str
    spelling: str
    line: int


def check_names(sources: Iterable[Source]) -> None:
    """Compare the names of all sources.

    Args:
        sources: The sources, in the order of their files.

    Raises:
        CatalogError: A later source takes a name of an earlier one, or one of the project's.
    """
    for problem in name_problems(sources).values():
        raise problem


def name_problems(sources: Iterable[Source]) -> dict[int, CatalogError]:
    """The sources that share a name, by their number in ``sources``, each with its first problem.

    Both sources have the problem. The later one comes first.
    """
    taken: dict[tuple[str, str], tuple[int, Source, _Taken]] = {}
    levels: dict[str, Level] = {}
    problems: dict[int, CatalogError] = {}
    for number, source in enumerate(sources):
        for level in source.levels:  # a base shares settings, so no other file may have its name
            known = levels.setdefault(level.name, level)
            if known.file != level.file:
                new = _Taken("source", level.name, "", level.line)
                said = f"source {level.name!r} is declared in {known.file}:{known.line} too"
                problems.setdefault(number, _problem(source, new, said))
        for new in _names(source):
            if (new.kind, new.name) == _OWN:
                said = f"the {new.kind} {new.name!r} is the project's own"
                problems.setdefault(number, _problem(source, new, said))
                continue
            first, other, old = taken.setdefault((new.kind, new.name), (number, source, new))
            if first != number:
                problems.setdefault(number, _clash(source, new, other, old))
                problems.setdefault(first, _clash(other, old, source, new))
    return problems


def _clash(source: Source, new: _Taken, other: Source, old: _Taken) -> CatalogError:
    """The problem of ``source``, whose name ``new`` the source ``other`` has too."""
    there = f"{other.file}:{old.line}"
    if source.name == other.name:
        return _problem(source, new, f"source {source.name!r} is declared in {there} too")
    said = f"{new.spelling} and {old.spelling} in {there} are both the {new.kind} {new.name!r}"
    return _problem(source, new, said)


def check_lengths(sources: Iterable[Source]) -> None:
    """Refuse names of datasets and tables that PostgreSQL would cut.

    Raises:
        CatalogError: A name is longer than ``POSTGRES_LIMIT``.
    """
    for source in sources:
        names = [_Taken("dataset", source.dataset, f"source {source.name!r}", source.line)]
        names += [
            _Taken("table", r.table, f"resource {r.name!r}", source.lines.get(r.name, 0))
            for r in source.assets
        ]
        for name in names:
            if len(name.name) > POSTGRES_LIMIT:
                raise CatalogError(
                    f"{name.spelling} has {len(name.name)} characters, and names in PostgreSQL have "
                    f"at most {POSTGRES_LIMIT}: give it a shorter name",
                    file=source.file,
                    line=name.line,
                )


def _problem(source: Source, new: _Taken, said: str) -> CatalogError:
    return CatalogError(f"{said}; give one of them another name", file=source.file, line=new.line)


def _names(source: Source) -> Iterator[_Taken]:
    spelling = f"source {source.name!r}"
    yield _Taken("dataset", source.dataset, spelling, source.line)
    yield _Taken("job", f"sync_{source.name}", spelling, source.line)
    for step in (source.name, f"{source.name}_checks"):
        yield _Taken("step", step, spelling, source.line)
    for resource in source.assets:
        if resource.sensor is not None:
            line = source.lines.get(resource.name, 0)
            name = f"{source.name}_{resource.name}"
            yield _Taken("sensor", f"new_{name}", f"resource '{resource}'", line)
    for setting, line in _settings(source):
        variable = variable_name(source.name, setting)
        yield _Taken("variable", variable, f"the setting {source.name}.{setting}", line)


def variables(source: Source) -> list[str]:
    """The environment variables of all settings that a source reads, and those of its bases."""
    names = dict.fromkeys((source.name, *(level.name for level in source.levels)))
    return [variable_name(name, setting) for name in names for setting, _ in _settings(source)]


def _settings(source: Source) -> Iterator[tuple[str, int]]:
    """The settings that a source reads, each with its line."""
    lines = {**dict.fromkeys(_UNDECLARED, source.line), **source.settings}
    for key, line in lines.items():
        yield key, line
        yield f"{key}{_NAME_OF}", line
