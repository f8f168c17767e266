"""The ``analytics-sync`` command.

In: command-line arguments. Out: an exit status, and text on standard output.
The module of a subcommand is imported when the subcommand runs: help and wrong usage load nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from analytics_sync.commands.arguments import ShowVersion, whole_number

_DESCRIPTION = "Load REST APIs into a warehouse through Dagster: set up, look, repair."
_EPILOG = (
    "analytics-sync COMMAND --help explains a command. Wrong usage and a wrong file: status 2."
)
_MAX_DAYS = 1000  # of the sandbox's data
_PLACE = "SOURCE or SOURCE/RESOURCE"
_FAILED = 1
_WRONG = 2
_PIPE_IS_CLOSED = 128 + 13  # as a shell reports the signal SIGPIPE
_INTERRUPTED = 128 + 2  # and SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit status.

    Args:
        arguments: The command line without the program's name; None reads it from ``sys.argv``.

    Returns:
        0 for success, 2 for wrong usage or a wrong catalog file, otherwise the subcommand's status.
    """
    options = _parser().parse_args(arguments)
    try:
        status = _run(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the program that read the output has ended, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_IS_CLOSED
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    # imported here, so that help and wrong usage load no catalog
    from dlt.common.configuration.providers.toml import TomlProviderReadException

    from analytics_sync.catalog.errors import CatalogError, WrongSetting
    from analytics_sync.common.private_folder import NotPrivate
    from analytics_sync.common.settings_files import damaged_settings
    from analytics_sync.demo import SandboxFailed

    try:
        return int(options.run(options) or 0)
    except (CatalogError, WrongSetting, NotPrivate) as e:
        problem, status = str(e), _WRONG
    except TomlProviderReadException as e:  # its text may quote the file
        problem, status = damaged_settings(e.full_paths), _WRONG
    except SandboxFailed as e:
        problem, status = str(e), _FAILED
    print(problem, file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="analytics-sync", description=_DESCRIPTION, epilog=_EPILOG
    )
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run_command(commands)
    _add_sandbox_commands(commands)
    _add_trouble_command(commands)
    _add_catalog_commands(commands)
    _add_schema_command(commands)
    return parser


def _add(
    commands: Any,
    name: str,
    summary: str,
    *,
    run: Callable[[argparse.Namespace], int] | None = None,
    more: str = "",
    status: str = "",
) -> argparse.ArgumentParser:
    """Add a command.

    Args:
        commands: The commands of the parser.
        name: Name of the command.
        summary: Its line in the list of commands.
        run: The function that runs it; None if it has commands of its own.
        more: Sentences that its own help adds to the summary.
        status: What its exit status says.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}. {more}".strip(),
        epilog=f"Exit status: {status}." if status else None,
    )
    if run is not None:
        parser.set_defaults(run=run)
    return parser


def _add_run_command(commands: Any) -> None:
    run = _add(
        commands, "run", "materialize assets through Dagster, and show it", run=_run_assets,
        more="The run is in the history of DAGSTER_HOME, if that is set. Ctrl-C cancels it.",
        status="0 if all is loaded and no check of severity ERROR failed, 1 if not, 2 for wrong usage",
    )  # fmt: skip
    run.add_argument(
        "selection", metavar="SELECTION",
        help="a source, SOURCE/RESOURCE, several with commas between, or an asset selection of Dagster",
    )  # fmt: skip
    run.add_argument(
        "--days", metavar="A..B",
        help="the days to load, one day, or a number of days up to today; by default the newest partition "
        "that is over",
    )  # fmt: skip
    run.add_argument(
        "-w", "--workspace", metavar="FILE",
        help="the workspace file of the UI that shows the run; by default the one in this folder",
    )  # fmt: skip


def _add_sandbox_commands(commands: Any) -> None:
    demo = _add(
        commands, "demo", "sync everything from the sandbox, fresh", run=_demo,
        more="The sandbox serves the configured APIs on this machine. The folder .demo is made anew.",
    )  # fmt: skip
    demo.add_argument("--select", default="*", help="an asset selection; all assets by default")
    demo.add_argument(
        "--days",
        type=whole_number(1, _MAX_DAYS),
        default=7,
        help="daily partitions, up to today; 7 by default",
    )
    dev = _add(
        commands, "dev", "the Dagster UI on the sandbox and the demo's history", run=_dev,
        more="It runs until Ctrl-C.",
    )  # fmt: skip
    dev.add_argument(
        "--port",
        type=whole_number(0, 65_535),
        default=3000,
        help="3000 by default; 0 is any free port",
    )


def _add_trouble_command(commands: Any) -> None:
    trouble = _add(
        commands, "trouble", "let the running sandbox fail, and mend it", run=_trouble,
        more="Without a kind it lists what is on. 403, expired-key and outage refuse requests, slow "
        "answers late, and off ends all at the place and below it. Trouble ends with the sandbox.",
        status="0 if it was done, 2 if no sandbox is running, or the kind or the place is unknown",
    )  # fmt: skip
    trouble.add_argument("kind", nargs="?", help="403, expired-key, outage, slow or off")
    trouble.add_argument("place", nargs="?", help=f"{_PLACE}; all sources by default")
    trouble.add_argument("--seconds", type=float, help="of slow, for each response; 2 by default")
    trouble.add_argument("--url", help="the sandbox's address; by default that of make dev here")


def _add_catalog_commands(commands: Any) -> None:
    check = _add(
        commands, "check", "read catalog files and say what is wrong with them", run=_check,
        more="Without files, it checks those that Dagster loads.",
        status="0 if all files load, 2 if one does not or a setting is wrong",
    )  # fmt: skip
    check.add_argument("files", nargs="*", type=Path, help="YAML, or Python with a rest_api config")

    settings = _add(
        commands, "settings", "the settings a source needs, and which are set", run=_settings,
        more="Values are not printed.",
        status="0 if all required settings are set, 1 if one is missing or has a space around it, 2 if a "
        "file or a value is wrong. Sources that are off count only if they are named",
    )  # fmt: skip
    settings.add_argument("source", nargs="?", help="one source; all sources by default")

    convert = _add(
        commands, "convert", "a dlt rest_api configuration in Python -> YAML", run=_convert,
        more="The file is read, not run. Each source of it becomes a catalog file on standard output.",
        status="0 if all was converted, 1 if a catalog file has a to-do: it does not load, and standard error "
        "says why, 2 if the file cannot be read or makes no source",
    )  # fmt: skip
    convert.add_argument("file", type=Path, help="a Python file; - is standard input")
    convert.add_argument(
        "--name", help="the source's name; by default its name in the program, or the file's stem"
    )
    convert.add_argument(
        "--out", type=Path, help="a folder: write SOURCE.yaml there for each source"
    )

    sources = _add(
        commands, "sources", "all sources, and what is set for each", run=_sources,
        status="0 if all files load, 2 if one does not or a value is wrong",
    )  # fmt: skip
    sources.add_argument("source", nargs="?", help="the values of one source, and their origins")

    destinations = _add(
        commands, "destinations", "the kinds of warehouses, and what is known of each",
        run=_destinations, status="0 if the configured destination is accepted, 2 if it is refused",
    )  # fmt: skip
    destinations.add_argument("--markdown", action="store_true", help="the table as in the docs")

    _add(
        commands, "alert-test", "send a test message to those who are told of failures",
        run=_alert_test, more="ANALYTICS_SYNC__ALERTS__URLS names them.",
        status="0 if all took it, 1 if one did not or none is set, 2 if a setting is wrong",
    )  # fmt: skip


def _add_schema_command(commands: Any) -> None:
    schema = _add(commands, "schema", "compare tables with declarations, and repair them")
    actions = schema.add_subparsers(required=True, metavar="ACTION")

    diff = _add(
        actions, "diff", "the differences, and what the next run does about them", run=_diff,
        status="0 without a difference, 1 with differences, 2 after an error",
    )  # fmt: skip
    diff.add_argument("place", nargs="?", help=f"{_PLACE}; all sources by default")
    diff.add_argument("--dry-run", action="store_true", help="diff never changes anything")

    heal = _add(
        actions, "heal", "fill columns with the values that _extra holds for them", run=_heal,
        status="0 if all was done, 1 if a table could not be changed, 2 after an error",
    )  # fmt: skip
    heal.add_argument("place", nargs="?", help=f"{_PLACE}; all sources by default")
    heal.add_argument("--dry-run", action="store_true", help="count only")

    reset = _add(
        actions, "reset", "drop tables, so that the next run makes them new", run=_reset,
        more="It prints the command that loads the rows again.",
        status="0 if all was done, 1 if a table could not be changed, 2 after an error or without --yes",
    )  # fmt: skip
    reset.add_argument("place", help=_PLACE)
    confirmed = reset.add_mutually_exclusive_group()
    confirmed.add_argument("--dry-run", action="store_true", help="say what would be dropped")
    confirmed.add_argument("--yes", action="store_true", help="drop it")


def _run_assets(options: argparse.Namespace) -> int:
    from analytics_sync.commands.run import run

    return run(options)


def _demo(options: argparse.Namespace) -> int:
    from analytics_sync.demo import demo

    return demo(options.select, days=options.days)


def _dev(options: argparse.Namespace) -> int:
    from analytics_sync.demo import dev

    return dev(options.port)


def _trouble(options: argparse.Namespace) -> int:
    from analytics_sync.commands.trouble import trouble

    return trouble(options)


def _check(options: argparse.Namespace) -> int:
    from analytics_sync.commands.check import check

    return check(options)


def _settings(options: argparse.Namespace) -> int:
    from analytics_sync.commands.settings import settings

    return settings(options)


def _convert(options: argparse.Namespace) -> int:
    from analytics_sync.commands.convert import convert

    return convert(options)


def _sources(options: argparse.Namespace) -> int:
    from analytics_sync.commands.sources import sources

    return sources(options)


def _destinations(options: argparse.Namespace) -> int:
    from analytics_sync.commands.destinations import destinations

    return destinations(options)


def _alert_test(options: argparse.Namespace) -> int:
    from analytics_sync.commands.alert_test import alert_test

    return alert_test(options)


def _diff(options: argparse.Namespace) -> int:
    from analytics_sync.commands.schema import diff

    return diff(options)


def _heal(options: argparse.Namespace) -> int:
    from analytics_sync.commands.schema import heal

    return heal(options)


def _reset(options: argparse.Namespace) -> int:
    from analytics_sync.commands.schema import reset

    return reset(options)


if __name__ == "__main__":
    sys.exit(main())
