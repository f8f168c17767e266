"""The loader of catalog files: files -> sources.

In: paths of catalog files, YAML or Python. Out: one ``Source`` per file, with unique names.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from analytics_sync.catalog.build import build
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.names import check_names
from analytics_sync.catalog.python_config import parse_python
from analytics_sync.catalog.source import Source
from analytics_sync.catalog.yaml_config import MAX_TEXT, parse_yaml

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
    data, lines = (parse_python if python else parse_yaml)(text, file)
    return build(data, lines, name=name, file=file)


def load_file(path: Path, *, name: str | None = None) -> Source:
    """The source that a file declares. ``.yaml`` and ``.yml`` are YAML, any other suffix is Python.

    Args:
        path: The file.
        name: The source's name if the file has no ``source``; None for the stem of the file.

    Raises:
        CatalogError: The file cannot be read, or is invalid.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_TEXT + 1)  # one character more than allowed shows an excess
    except (OSError, UnicodeDecodeError) as e:
        problem = f"cannot be read: {e}"
    else:
        problem = ""
    # Raise outside the except block: the decoder's error holds the file's text.
    if problem:
        raise CatalogError(problem, file=str(path))
    python = path.suffix not in YAML_SUFFIXES
    return load_text(text, name=name or path.stem, file=_relative(path), python=python)


def catalog_files(extra: Path | None = None) -> list[Path]:
    """The files that ship, then those of the user's folder.

    Args:
        extra: The user's folder; None for the files that ship alone.
    """
    folders = [BUILTIN, *([extra] if extra else [])]
    return [path for folder in folders for path in sorted(folder.glob("*.y*ml"))]


def configured_files() -> list[Path]:
    """The files that ship, and those of the folder that ``ANALYTICS_SYNC__CATALOG_DIR`` names."""
    import dlt

    folder = dlt.config.get("analytics_sync.catalog_dir", str)
    return catalog_files(Path(folder) if folder else None)


def load_catalog(files: Iterable[Path] | None = None) -> dict[str, Source]:
    """All sources by name.

    Args:
        files: The files to load; None for the files that ship.

    Raises:
        CatalogError: A file is invalid, or two sources take the same name.
    """
    sources = [load_file(path) for path in (catalog_files() if files is None else files)]
    check_names(sources)
    return {source.name: source for source in sources}


def _relative(path: Path) -> str:
    """The path from the working directory, or only the name of a file outside of it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return path.name
