"""Accounts: one declaration of an API that gives several sources.

In: sources as their files declare them, and files that name another file as their base. Out: a source
for each name. Each has its own dataset, jobs, settings and rate limit. All share the objects of the
declaration, so that fifty accounts take hardly more time and memory than one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from analytics_sync.catalog.building.secret_scan import check_secrets
from analytics_sync.catalog.config.team_keys import DerivedFile, Level, instance_levels, level_of
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.files.explain import validated
from analytics_sync.catalog.files.yaml_config import Lines
from analytics_sync.catalog.naming import problem_of_name
from analytics_sync.catalog.source import Source

_OF_THE_BASE = ("client", "resource_defaults", "resources")
_OF_THE_CLIENT = ("base_url", "rate_limit")


@dataclass(frozen=True)
class Derived:
    """A file that takes its API from another one.

    Attributes:
        base: Name of the source whose API it takes.
        line: The line of the key ``base``.
        level: Its keys.
        instances: The sources that it gives in place of one.
    """

    base: str
    line: int
    level: Level
    instances: tuple[Level, ...] = ()

    @property
    def name(self) -> str:
        """Name of the source that the file declares."""
        return self.level.name

    @property
    def file(self) -> str:
        """The file."""
        return self.level.file


def read_derived(data: Mapping[str, Any], lines: Lines, *, name: str, file: str) -> Derived:
    """The declaration of a file with ``base``.

    Args:
        data: The plain data of the file.
        lines: The line of each key.
        name: The source's name if the file has no ``source``.
        file: The file's name, for messages.

    Raises:
        CatalogError: The first mistake that was found.
    """
    check_secrets(data, lines, source=name, file=file)
    for key in _OF_THE_BASE:
        if key in data:
            raise CatalogError(
                f"a file with base takes {key} from it: remove the key here, or remove base",
                file=file,
                line=lines[key,],
                key=key,
            )
    declared = validated(DerivedFile, data, lines, file)
    name = declared.source or name
    line = lines.get(("source",), 1)
    if wrong := problem_of_name(name):
        raise CatalogError(wrong, file=file, line=line, key="source")
    level = level_of(name, declared, lines, file, line=line)
    return Derived(declared.base, lines["base",], level, instance_levels(declared, lines, file))


def expand(
    declared: Iterable[Source | Derived],
    find: Callable[[str], Source | Derived | None] = lambda _: None,
) -> Iterator[Source]:
    """The sources of all declarations.

    Args:
        declared: The declarations, in the order of their files.
        find: Looks for a base that is not among the declarations.

    Raises:
        CatalogError: A base is not declared, or has a base itself.
    """
    declared = list(declared)
    bases = {d.name: d for d in reversed(declared)}
    for declaration in declared:
        if isinstance(declaration, Source):
            yield from _instances(declaration)
            continue
        base = bases.get(declaration.base)
        if base is None or base is declaration:
            base = find(declaration.base)
        yield from _derived(declaration, base)


def _derived(declaration: Derived, base: Source | Derived | None) -> Iterator[Source]:
    problem = ""
    if base is None:
        problem = f"there is no source {declaration.base!r} to be the base; look at its spelling"
    elif isinstance(base, Derived):
        problem = f"{base.name!r} has a base itself: name its base {base.base!r} here"
    if problem:
        raise CatalogError(problem, file=declaration.file, line=declaration.line, key="base")
    assert isinstance(base, Source)
    lines = dict.fromkeys(base.lines, declaration.line)
    settings = dict.fromkeys(base.settings, declaration.line)
    source = _made(replace(_as_base(base), lines=lines, settings=settings), declaration.level)
    yield from _instances(replace(source, instances=declaration.instances))


def _instances(source: Source) -> Iterator[Source]:
    """The instances of a source, or the source itself if it has none."""
    if not source.instances:
        yield source
        return
    base = _as_base(source)
    for level in source.instances:
        yield _made(base, level)


def _as_base(source: Source) -> Source:
    """The source, which says whether it is only a template: it has instances, and none has its name."""
    is_template = bool(source.instances) and source.name not in {i.name for i in source.instances}
    own, *others = source.levels
    return replace(source, levels=(replace(own, is_template=is_template), *others))


def _made(base: Source, level: Level) -> Source:
    """A source of the API of ``base``, under the name and with the keys of ``level``."""
    keys = level.keys
    changed = {k: getattr(keys, k) for k in _OF_THE_CLIENT if k in keys.model_fields_set}
    return replace(
        base,
        name=level.name,
        description=keys.description or base.description,
        client=base.client.model_copy(update=changed) if changed else base.client,
        resources={n: replace(r, source=level.name) for n, r in base.resources.items()},
        file=level.file,
        line=level.line,
        levels=(level, *base.levels),
        instances=(),
    )
