"""Names that a source takes outside of its file: no two sources may take the same.

In: finished sources. Out: nothing, or a ``CatalogError`` that names both files. A dataset, a job and an
environment variable have shorter spellings than the names they come from: ``my__shop`` and ``my_shop``
are one dataset, and the setting ``eu__api_key`` of ``shop`` is ``api_key`` of ``shop__eu``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.naming import variable_name
from analytics_sync.catalog.source import Source
from analytics_sync.catalog.team_keys import TEAM_SETTINGS

POSTGRES_LIMIT = 63
"""PostgreSQL's limit of a name, in bytes. It cuts a longer name without an error."""

# Settings that a run looks up without a declaration, and what it adds to a declared one.
_UNDECLARED = ("base_url", "allow_http", *TEAM_SETTINGS)
_NAME_OF = "_name"


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
    taken: dict[tuple[str, str], tuple[Source, _Taken] | None] = {("job", "sync_everything"): None}
    for source in sources:
        for new in _names(source):
            key = new.kind, new.name
            other = taken.setdefault(key, (source, new))
            if other is None:
                _fail(source, new, f"the {new.kind} {new.name!r} is the project's own")
            elif other[0] is not source:
                there = f"{other[0].file}:{other[1].line}"
                if source.name == other[0].name:
                    problem = f"source {source.name!r} is declared in {there} too"
                else:
                    problem = (
                        f"{new.spelling} and {other[1].spelling} in {there} are both the "
                        f"{new.kind} {new.name!r}"
                    )
                _fail(source, new, problem)


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


def _fail(source: Source, new: _Taken, problem: str) -> None:
    raise CatalogError(f"{problem}; give one of them another name", file=source.file, line=new.line)


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
    lines = {**dict.fromkeys(_UNDECLARED, source.line), **source.settings}
    for key, line in lines.items():
        for setting in (key, f"{key}{_NAME_OF}"):
            variable = variable_name(source.name, setting)
            yield _Taken("variable", variable, f"the setting {source.name}.{setting}", line)
