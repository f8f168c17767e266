"""Files -> sources.

In: paths of catalog files, YAML or Python. Out: one ``Source`` per file, names unique.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from analytics_sync.catalog.build import build
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.python_config import parse_python
from analytics_sync.catalog.source import Source
from analytics_sync.catalog.yaml_config import MAX_TEXT, parse_yaml

BUILTIN = Path(__file__).parent.parent / "sources"


def load_text(text: str, *, name: str, file: str, python: bool = False) -> Source:
    """Read a catalog file's text.

    Args:
        text: YAML, or Python source (or prose with a Python block) when ``python``.
        name: The source's name where the text has no ``source``.
        file: A name for messages.

    Raises:
        CatalogError: With file, line, resource, key and what was expected.
    """
    data, lines = (parse_python if python else parse_yaml)(text, file)
    return build(data, lines, name=name, file=file)


def load_file(path: Path, *, name: str | None = None) -> Source:
    """Read one file; ``.yaml`` and ``.yml`` are YAML, anything else holds Python."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_TEXT + 1)  # enough to see that it is too much
    except (OSError, UnicodeDecodeError) as e:
        problem = f"cannot be read: {e}"
    else:
        problem = ""
    if problem:  # the error of the decoder holds the file's text
        raise CatalogError(problem, file=str(path))
    python = path.suffix not in {".yaml", ".yml"}
    return load_text(text, name=name or path.stem, file=_short(path), python=python)


def catalog_files(extra: Path | None = None) -> list[Path]:
    """The files that ship, and those of a folder of the user's own."""
    folders = [BUILTIN, *([extra] if extra else [])]
    return [path for folder in folders for path in sorted(folder.glob("*.y*ml"))]


def load_catalog(files: Iterable[Path] | None = None) -> dict[str, Source]:
    """All sources by name.

    Raises:
        CatalogError: A file is wrong, or two files declare the same source.
    """
    sources: dict[str, Source] = {}
    for path in catalog_files() if files is None else files:
        source = load_file(path)
        if source.name in sources:
            raise CatalogError(
                f"source {source.name!r} is declared in {sources[source.name].file} too; "
                "give one of them another name",
                file=source.file,
            )
        sources[source.name] = source
    return sources


def _short(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return path.name
