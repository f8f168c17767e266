"""The output of a command: lines for people, or one JSON document for programs.

In: a document and its lines. Out: one of the two on standard output. With ``--json`` standard output has the
document and nothing else: all that libraries print in the meantime goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.commands.usage import WrongUsage

_Document = Mapping[str, Any]
_streams: list[TextIO] = []
"""Standard output while it is reserved for a document; empty once the document is written."""


def wants_json(options: argparse.Namespace) -> bool:
    """Whether the command line asks for a JSON document."""
    return bool(getattr(options, "json", False))


@contextmanager
def reserved_for_json() -> Iterator[None]:
    """Reserve standard output for the document of the block.

    A block that writes none, because it failed, leaves a document with the key ``error``.
    """
    stream, problem = sys.stdout, "no result: standard error says why"
    _streams.append(stream)
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (WrongUsage, CatalogError) as e:
        problem = str(e)
        raise
    finally:
        if _streams:
            _streams.clear()
            _write({"error": problem}, stream)


def show(options: argparse.Namespace, document: _Document, lines: Iterable[str]) -> None:
    """Write the result of a command.

    Args:
        options: The parsed arguments.
        document: The result for programs: texts, numbers, lists and mappings.
        lines: The result for people.
    """
    if wants_json(options):
        _write(document, _streams.pop() if _streams else sys.stdout)
        return
    for line in lines:
        print(line)


def _write(document: _Document, stream: TextIO) -> None:
    # ASCII: a text of an API holds no command to a terminal then
    print(json.dumps(document, indent=2, default=str), file=stream, flush=True)
