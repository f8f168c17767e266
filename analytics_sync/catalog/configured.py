"""The configured catalog: all sources that load, and the files that do not load.

In: the files that ship and those of the folder that ``ANALYTICS_SYNC__CATALOG_DIR`` names. Out: a
``Catalog``. A wrong file takes no source of another file down, except sources whose base it is. Of two
files that take one name, neither loads: nobody can tell which one is meant. A file that ships keeps its
names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analytics_sync.catalog.accounts import Derived, expand
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.loader import (
    BUILTIN,
    base_finder,
    catalog_files,
    configured_files,
    declaration,
    shown_path,
)
from analytics_sync.catalog.names import name_problems
from analytics_sync.catalog.naming import problem_of_name
from analytics_sync.catalog.source import Source


@dataclass(frozen=True)
class BrokenFile:
    """A file that gives no source.

    Attributes:
        name: Name of its source if it has one of its own, otherwise made of the file's name. No source
            and no other broken file has it.
        file: The file, as messages name it.
        error: What is wrong.
    """

    name: str
    file: str
    error: CatalogError


@dataclass(frozen=True)
class Catalog:
    """All sources by name, in the order of their files, and the files that do not load."""

    sources: dict[str, Source]
    broken: tuple[BrokenFile, ...] = ()


def configured_catalog() -> Catalog:
    """The catalog of the files that ship and of the configured folder."""
    try:
        files = configured_files()
    except CatalogError as e:
        found = read_catalog(catalog_files())
        return Catalog(found.sources, (BrokenFile("catalog_dir", "", e), *found.broken))
    return read_catalog(files)


def read_catalog(files: Sequence[Path]) -> Catalog:
    """The catalog of some files.

    Args:
        files: The files. Those that ship come first.
    """
    reader = _Reader(files)
    shipped, own = reader.sources(ships=True), reader.sources(ships=False)
    shipped = _without(shipped, name_problems([s for s, _ in shipped]), reader)
    problems = name_problems([s for s, _ in (*shipped, *own)])
    own = _without(own, {n - len(shipped): e for n, e in problems.items()}, reader)
    sources = {source.name: source for source, _ in (*shipped, *own)}
    return Catalog(sources, tuple(_named(reader.problems, sources)))


def read_sources(files: Sequence[Path]) -> tuple[list[Source], list[CatalogError]]:
    """The sources of some files, and what is wrong with the other files. Names are not compared."""
    reader = _Reader(files)
    sources = [source for source, _ in (*reader.sources(ships=True), *reader.sources(ships=False))]
    return sources, [error for found in reader.problems.values() for error, _ in found]


class _Reader:
    """Reads files one by one.

    Attributes:
        problems: File -> what is wrong with it, in the order of the files; empty if nothing is.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.problems: dict[Path, list[tuple[CatalogError, str]]] = {path: [] for path in files}
        self._declared: dict[Path, Source | Derived] = {}
        for path in files:
            try:
                self._declared[path] = _read_regular_file(path)
            except CatalogError as e:
                self.note(path, e, e.source)
        self._bases = {d.name: d for d in reversed(self._declared.values())}
        self._find_elsewhere = base_finder(files)

    def sources(self, *, ships: bool) -> list[tuple[Source, Path]]:
        """The sources of all files that load, each with its file.

        Args:
            ships: Whether to take the files that ship, or all others.
        """
        return [
            (source, path)
            for path, declared in self._declared.items()
            if (path.parent == BUILTIN) == ships
            for source in self._expanded(path, declared)
        ]

    def note(self, path: Path, error: CatalogError, name: str) -> None:
        """Note a problem of a file, and the name of the source that has it."""
        self.problems[path].append((error, name))

    def _expanded(self, path: Path, declared: Source | Derived) -> list[Source]:
        try:
            return list(expand([declared], self._base))
        except CatalogError as e:
            self.note(path, e, declared.name)
            return []

    def _base(self, name: str) -> Source | Derived | None:
        return self._bases.get(name) or self._find_elsewhere(name)


def _read_regular_file(path: Path) -> Source | Derived:
    """What a file declares, if it is a regular file.

    Raises:
        CatalogError: For any reason. A bug must not take other files down.
    """
    try:
        if path.exists() and not path.is_file():  # a FIFO would be waited for
            problem = "is no regular file; name a file, or move this out of the catalog folder"
            raise CatalogError(problem, file=shown_path(path))
        return declaration(path)
    except CatalogError:
        raise
    except Exception as e:
        problem = f"unexpected {type(e).__name__}. This is a bug in analytics_sync: report it"
    # Raise outside the except block: the error may quote a secret of the file.
    raise CatalogError(problem, file=shown_path(path))


def _without(
    sources: Sequence[tuple[Source, Path]], problems: dict[int, CatalogError], reader: _Reader
) -> list[tuple[Source, Path]]:
    """The sources that have no problem; ``problems`` has the number of each."""
    for number, (source, path) in enumerate(sources):
        if number in problems:
            reader.note(path, problems[number], source.name)
    return [pair for number, pair in enumerate(sources) if number not in problems]


def _named(
    problems: dict[Path, list[tuple[CatalogError, str]]], sources: Collection[str]
) -> Iterator[BrokenFile]:
    taken = {*sources, "everything"}
    for path, found in problems.items():
        for error, own_name in found:
            stem = re.sub(r"[^a-z0-9_]+", "_", path.stem.lower()) or "file"
            candidates = [name for name in (own_name, stem) if name and not problem_of_name(name)]
            numbered = (f"{(candidates or ['file'])[-1]}_{n}" for n in range(2, len(taken) + 3))
            name = next(name for name in (*candidates, *numbered) if name not in taken)
            taken.add(name)
            yield BrokenFile(name, shown_path(path), error)
