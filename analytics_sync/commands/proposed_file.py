"""Writing of a proposed catalog file: as a whole, and never over a file that is not meant.

In: a text, and the path that the command line names. Out: the file, with the JSON Schema of its keys beside it.
"""

from __future__ import annotations

from pathlib import Path

from analytics_sync.catalog import CatalogError
from analytics_sync.catalog.json_schema import write_schema_beside
from analytics_sync.commands.usage import WrongUsage


def check_is_free(file: Path | None, own: Path | None) -> None:
    """Refuse to write over a file, unless it is the one that the proposal is for.

    Args:
        file: The file to write; None for standard output.
        own: The file that the proposal changes; None for a new one.

    Raises:
        WrongUsage: The file exists.
    """
    if file is None or not file.exists():
        return
    if own is None or file.resolve() != own.resolve():
        raise WrongUsage(f"{file} exists already; remove it, or name another file")


def write_or_print(text: str, file: Path | None) -> None:
    """Write the file, or print it. A write that fails leaves the file as it was.

    Raises:
        CatalogError: The file cannot be written.
    """
    if file is None:
        print(text, end="")
        return
    target = file.resolve()
    new = target.with_name(f".{target.name}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(target)
        write_schema_beside(target)
    except OSError as e:
        new.unlink(missing_ok=True)
        problem = f"cannot be written: {e.strerror}; name another file"
        raise CatalogError(problem, file=str(file)) from e
    print(file)
