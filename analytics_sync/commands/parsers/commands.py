"""Commands of the command line, and how one is added.

In: the name of a command and its sentences. Out: its parser, of which the function to run is a default.
"""

from __future__ import annotations

import argparse
import os
from functools import cache

DAYS = "one day, or a number of days up to today; by default the newest partition that is over"
PLACE = "SOURCE or SOURCE/RESOURCE"
_COLUMNS = 80
RESOURCE = "SOURCE/RESOURCE, or FILE/RESOURCE"
PLACES = "SOURCE, SOURCE/RESOURCE, FILE or FILE/RESOURCE, several with spaces or commas between"


class HelpText(argparse.HelpFormatter):
    """Help as wide as the terminal.

    argparse makes a formatter for each argument, and each one imports and asks ``shutil`` for the width.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())


@cache
def _width() -> int:
    """The width of help: the variable COLUMNS, or that of the terminal."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns) - 2
    try:
        return (os.get_terminal_size(1).columns or _COLUMNS) - 2
    except OSError:  # standard output is no terminal
        return _COLUMNS - 2


class Commands:
    """A list of commands: those of the program, or those of one of its commands."""

    def __init__(self, parser: argparse.ArgumentParser, metavar: str) -> None:
        """Let a parser have commands.

        Args:
            parser: The parser of the program, or of a command that has commands of its own.
            metavar: What help calls such a command.
        """
        self._parsers = parser.add_subparsers(required=True, metavar=metavar)

    def add(
        self, name: str, summary: str, *, run: str | None = None, more: str = "", status: str = ""
    ) -> argparse.ArgumentParser:
        """Add a command, and return its parser, which takes the command's arguments.

        Args:
            name: Name of the command.
            summary: Its line in the list of commands.
            run: The function that runs it, ``package.module:function``: it gets the parsed arguments, and
                returns the exit status. None if the command has commands of its own.
            more: Sentences that its own help adds to the summary.
            status: What its exit status says.
        """
        parser = self._parsers.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}. {more}".strip(),
            epilog=f"Exit status: {status}." if status else None,
            formatter_class=HelpText,
        )
        if run is not None:
            parser.set_defaults(run=run)
        return parser


def add_json(parser: argparse.ArgumentParser, document: str) -> None:
    """Let a command write its result as one JSON document.

    Args:
        parser: The parser of the command.
        document: The keys of the document, for the reference.
    """
    parser.add_argument(
        "--json", action="store_true", help="one JSON document, which docs/commands.md describes"
    )
    parser.set_defaults(document=document)
