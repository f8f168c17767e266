"""The parser of the whole command line: all areas of commands, in the order in which help lists them.

In: nothing. Out: the parser. It imports the standard library only.
"""

from __future__ import annotations

import argparse

from analytics_sync.commands.arguments import ShowVersion
from analytics_sync.commands.parsers import (
    files,
    inferring,
    linting,
    looking,
    running,
    sandbox,
    schema,
    setup,
)
from analytics_sync.commands.parsers.commands import Commands, HelpText

_DESCRIPTION = "Load REST APIs into a warehouse through Dagster: set up, look, repair."
_EPILOG = (
    "analytics-sync COMMAND --help explains a command. Wrong usage and a wrong file: status 2."
)
_AREAS = (running, sandbox, files, inferring, linting, looking, setup, schema)


def command_line() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="analytics-sync", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=HelpText
    )
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="print the version and exit")
    commands = Commands(parser, "COMMAND")
    for area in _AREAS:
        area.add_commands(commands)
    return parser
