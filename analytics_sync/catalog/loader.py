"""The loader of catalog files: files -> sources.

In: paths of catalog files, YAML or Python. Out: the sources that they declare, with unique names: one
per file, or one per instance.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from analytics_sync.catalog.accounts import Derived, expand, read_derived
from analytics_sync.catalog.building.build import build
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.files.text_file import read_text
from analytics_sync.catalog.files.yaml_config import parse_yaml
from analytics_sync.catalog.names import check_names
from analytics_sync.catalog.source import Source

BUILTIN = Path(__file__).parent.parent / "sources"
YAML_SUFFIXES = frozenset({".yaml", ".yml"})


def load_text(text: str, *, name: str, file: str, python: bool = False) -> Source:
    """The source that a text declares.

    Args:
        text: YAML, or Python source (or prose with a Python block) when ``python``.
        name: The source's name if the text has no ``source``.
        file: The file's name, for messages.
        python: Whether the text is Python.

    Raises:
        CatalogError: The text is invalid; the error names file, line, resource and key.
    """
    if python:  # imported here: the code location reads YAML only
        from analytics_sync.catalog.from_python.reader import parse_python

        data, lines = parse_python(text, file)
    else:
        data, lines = parse_yaml(text, file)
    return build(data, lines, name=name, file=file)


def load_file(path: Path, *, name: str | None = None) -> Source:
    """The source that a file declares, whatever instances it has.

    Args:
        path: The file.
        name: The source's name if the file has no ``source``; None for the stem of the file.

    Raises:
        CatalogError: The file cannot be read, is invalid, or takes its API from another file.
    """
    declared = declaration(path, name=name)
    if isinstance(declared, Derived):
        problem = f"this file has no API of its own, it takes that of {declared.base!r}"
        raise CatalogError(problem, file=declared.file, line=declared.line, key="base")
    return declared


def declaration(path: Path, *, name: str | None = None) -> Source | Derived:
    """What a file declares. ``.yaml`` and ``.yml`` are YAML, any other suffix is Python.

    Args:
        path: The file.
        name: The source's name if the file has no ``source``; None for the stem of the file.

    Raises:
        CatalogError: The file cannot be read, or is invalid.
    """
    text = read_text(path)
    name, place = name or path.stem, shown_path(path)
    if path.suffix not in YAML_SUFFIXES:
        return _at(path, load_text(text, name=name, file=place, python=True))
    data, lines = parse_yaml(text, place)
    try:
        if "base" in data:
            return _at(path, read_derived(data, lines, name=name, file=place))
        return _at(path, build(data, lines, name=name, file=place))
    except CatalogError as e:
        e.source = str(data.get("source") or "")
        raise


def _at(path: Path, declared: Source | Derived) -> Source | Derived:
    """The declaration, whose levels know the path of their file."""
    full = str(path.resolve())
    instances = tuple(replace(level, path=full) for level in declared.instances)
    if isinstance(declared, Derived):
        level = replace(declared.level, path=full)
        return replace(declared, level=level, instances=instances)
    levels = tuple(replace(level, path=full) for level in declared.levels)
    return replace(declared, levels=levels, instances=instances)


def catalog_files(extra: Path | None = None) -> list[Path]:
    """The files that ship, then those of the user's folder.

    Args:
        extra: The user's folder; None for the files that ship alone.
    """
    folders = [BUILTIN, *([extra] if extra else [])]
    return [path for folder in folders for path in _yaml_files(folder)]


def configured_files() -> list[Path]:
    """The files that ship, and those of the folder that ``ANALYTICS_SYNC__CATALOG_DIR`` names.

    Raises:
        CatalogError: The folder cannot be read.
    """
    import dlt

    folder = dlt.config.get("analytics_sync.catalog_dir", str)
    try:
        return catalog_files(Path(folder) if folder else None)
    except OSError as e:
        problem = f"the folder {folder!r} cannot be read: {e.strerror}"
    raise CatalogError(
        f"ANALYTICS_SYNC__CATALOG_DIR: {problem}; set it to the folder of your files"
    )


def load_catalog(files: Iterable[Path] | None = None) -> dict[str, Source]:
    """All sources by name.

    Args:
        files: The files to load; None for the files that ship.

    Raises:
        CatalogError: A file is invalid, or two sources take the same name.
    """
    sources = load_files(catalog_files() if files is None else files)
    check_names(sources)
    return {source.name: source for source in sources}


def load_files(files: Iterable[Path]) -> list[Source]:
    """All sources of some files. Two may have the same name.

    Raises:
        CatalogError: A file is invalid, or its base is not declared.
    """
    files = list(files)
    return list(expand([declaration(path) for path in files], base_finder(files)))


def base_finder(files: Sequence[Path]) -> Callable[[str], Source | Derived | None]:
    """A function that looks for a base in the files that ship or are configured, and beside the files."""

    def find(name: str) -> Source | Derived | None:
        known = {real_path(path) for path in files}
        beside = (
            p for folder in {path.parent: None for path in files} for p in _yaml_files(folder)
        )
        for path in (*configured_files(), *beside):
            if real_path(path) not in known:
                with suppress(CatalogError):  # a wrong file is no base
                    if (found := declaration(path)).name == name:
                        return found
        return None

    return find


def _yaml_files(folder: Path) -> list[Path]:
    """The YAML files of a folder. Hidden files belong to editors and file systems."""
    visible = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in visible if path.suffix in YAML_SUFFIXES)


def real_path(path: Path) -> Path:
    """The path without links. Unlike ``Path.resolve``, it fails for no circle of links."""
    return Path(os.path.realpath(path))


def shown_path(path: Path) -> str:
    """The path from the working directory, or only the name of a file outside of it."""
    try:
        return str(real_path(path).relative_to(Path.cwd()))
    except ValueError:
        return path.name
