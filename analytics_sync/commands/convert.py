"""The subcommand ``analytics-sync convert``: a ``rest_api`` configuration of dlt in Python -> catalog files.

In: a Python file, or standard input. Out: an exit status, and YAML on standard output or in a folder, one
document for each source. Nothing is run. All problems of all sources are listed at once.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from analytics_sync.catalog import CatalogError
from analytics_sync.catalog.files.text_file import decoded, read_text
from analytics_sync.catalog.from_python.draft import TODO, Draft
from analytics_sync.catalog.from_python.reader import read_sources
from analytics_sync.catalog.json_schema import MODELINE, write_schema_beside
from analytics_sync.catalog.loader import YAML_SUFFIXES
from analytics_sync.commands.convert_problems import problems_of

_STANDARD_INPUT = "-"
_NOT_IN_NAME = re.compile(r"[^a-z0-9]+")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def convert(options: argparse.Namespace) -> int:
    """Print the catalog files of a configuration.

    Returns:
        0, or 1 if a file has a to-do. Such a file does not load until the to-dos are done.

    Raises:
        CatalogError: The file cannot be read, or makes no source. Nothing is printed then.
    """
    text, shown = _text(options)
    drafts = read_sources(text, shown)
    names = _names(drafts, options.name, options.file.stem, shown)
    failed = False
    documents: dict[str, str] = {}
    for name, draft in zip(names, drafts, strict=True):
        problems = problems_of(draft, name, shown)
        for problem in problems:
            print(problem, file=sys.stderr)
        failed = failed or bool(problems)
        documents[name] = _document(name, draft, problems)
    if options.out is None:
        print("---\n".join(documents.values()), end="")
    else:
        _write(documents, options.out)
    return 1 if failed else 0


def _text(options: argparse.Namespace) -> tuple[str, str]:
    """The text of the file, and its name for messages."""
    file = options.file
    if str(file) == _STANDARD_INPUT:
        if not options.name:
            raise CatalogError("the source has no name yet; add --name NAME", file="standard input")
        return decoded(sys.stdin.buffer.read(), "standard input"), "standard input"
    if file.suffix in YAML_SUFFIXES:
        problem = "is YAML already; look at it with analytics-sync check, or name a Python file"
        raise CatalogError(problem, file=str(file))
    return read_text(file), file.name  # once: a pipe cannot be read again


def _names(drafts: Sequence[Draft], given: str | None, stem: str, file: str) -> list[str]:
    """The name of each source: the given one, that of the program, or the file's stem."""
    if len(drafts) == 1:
        return [given or _spelled(drafts[0].name or stem) or stem]
    if given is not None:
        raise CatalogError(
            f"makes {len(drafts)} sources, and --name names one; leave it out, and change "
            "the first line of each converted file",
            file=file,
            line=drafts[1].line,
        )
    names: list[str] = []
    for number, draft in enumerate(drafts, 1):
        name = _spelled(draft.name or draft.fallback) or f"{_spelled(stem)}_{number}"
        while name in names:
            name = f"{name}_{number}"
        names.append(name)
    return names


def _spelled(name: str) -> str:
    """A name of the program in lower_snake_case."""
    return _NOT_IN_NAME.sub("_", _WORDS.sub("_", name).lower()).strip("_")


def _document(name: str, draft: Draft, problems: Sequence[CatalogError]) -> str:
    """A catalog file: its schema and notes as comments, to-dos under a key that no file may have, and the keys."""
    # A name in a note may hold a line break, and the text after it would be a key of the file.
    notes = [f"# line {line}: {' '.join(text.splitlines())}\n" for line, text in draft.notes]
    todo = {TODO: [_todo(problem) for problem in problems]} if problems else {}
    data = {"source": name, **todo, **draft.data}
    text = yaml.safe_dump(data, sort_keys=False, width=100, allow_unicode=True)
    return "".join([MODELINE, *notes, text])


def _todo(problem: CatalogError) -> str:
    place = f"line {problem.line}: " if problem.line else ""
    resource = f"resource {problem.resource!r}: " if problem.resource else ""
    key = f"{problem.key}: " if problem.key else ""
    return f"{place}{resource}{key}{problem.message}"


def _write(documents: dict[str, str], folder: Path) -> None:
    """One file for each source. Files that exist stay as they are."""
    taken = [path for path in _paths(documents, folder) if path.exists()]
    if taken:
        raise CatalogError("exists already; remove it, or name another folder", file=str(taken[0]))
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, document in zip(_paths(documents, folder), documents.values(), strict=True):
            path.write_text(document, encoding="utf-8")
            print(path)
        write_schema_beside(path)
    except OSError as e:
        problem = f"cannot be written: {e.strerror}; name another folder"
        raise CatalogError(problem, file=str(path)) from e


def _paths(documents: dict[str, str], folder: Path) -> Iterator[Path]:
    # A name that no source may have is listed as a problem; its file is in the folder all the same.
    return (folder / f"{Path(name).name}.yaml" for name in documents)
