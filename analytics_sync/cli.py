"""The ``analytics-sync`` command.

In: command-line arguments. Out: an exit status, and text on standard output.
Each subcommand calls one function of the package.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from analytics_sync.catalog import (
    CatalogError,
    Source,
    configured_files,
    load_file,
)
from analytics_sync.catalog.building.deletes import unknown_deletes
from analytics_sync.catalog.configured import read_catalog, read_sources
from analytics_sync.catalog.loader import YAML_SUFFIXES
from analytics_sync.catalog.names import PROJECT_VARIABLES, check_lengths, check_names, variables
from analytics_sync.commands.schema import add_schema_command
from analytics_sync.commands.sources import add_sources_command, print_settings, summary
from analytics_sync.common.private_folder import NotPrivate


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit status.

    Args:
        arguments: The command line without the program's name; None reads it from ``sys.argv``.

    Returns:
        0 for success, 2 for wrong usage or a wrong catalog file, otherwise the subcommand's status.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (CatalogError, NotPrivate) as e:
        print(e, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="analytics-sync", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--version", action=_ShowVersion, nargs=0, help="print the version and exit"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="sync everything from the sandbox, fresh")
    demo.add_argument("--select", default="*", help="an asset selection")
    demo.add_argument("--days", type=int, default=7, help="daily partitions, up to today")
    demo.set_defaults(run=_demo)

    dev = commands.add_parser("dev", help="the Dagster UI on the sandbox and the demo's history")
    dev.add_argument("--port", type=int, default=3000, help="0 is any free port")
    dev.set_defaults(run=_dev)

    check = commands.add_parser("check", help="read catalog files and say what is wrong with them")
    check.add_argument("files", nargs="*", type=Path, help="YAML, or Python with a rest_api config")
    check.set_defaults(run=_check)

    settings = commands.add_parser(
        "settings", help="the settings a source needs, and which are set"
    )
    settings.add_argument("source", nargs="?")
    settings.set_defaults(run=_settings)

    convert = commands.add_parser("convert", help="a dlt rest_api configuration in Python -> YAML")
    convert.add_argument("file", type=Path)
    convert.add_argument("--name", help="the source's name; the file's stem by default")
    convert.set_defaults(run=_convert)

    add_sources_command(commands)
    add_schema_command(commands)
    return parser


class _ShowVersion(argparse.Action):
    """Print the installed version; only this option pays for reading the package's metadata."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"{parser.prog} {version('analytics_sync')}")
        parser.exit()


def _demo(options: argparse.Namespace) -> int:
    from analytics_sync.demo import demo

    return demo(options.select, days=options.days)


def _dev(options: argparse.Namespace) -> int:
    from analytics_sync.demo import dev

    return dev(options.port)


def _check(options: argparse.Namespace) -> int:
    from analytics_sync.load.clients.destination import configured_kind
    from analytics_sync.load.clients.lock_wait import wait_limit
    from analytics_sync.load.errors import LoadError
    from analytics_sync.load.sharing.read_copy import read_copy_file

    try:
        wait_limit()
        read_copy_file()
    except LoadError as e:
        print(e, file=sys.stderr)
        return 2
    checked = options.files or configured_files()
    found, errors = read_sources(checked)
    for error in errors:
        print(error, file=sys.stderr)
    sources = []
    for source in found:
        try:
            print(f"{source.file}: {source.name}: {summary(source)}")
            for note in unknown_deletes(source) if options.files else ():
                print(f"note: {note}")
        except CatalogError as e:
            print(e, file=sys.stderr)
            errors.append(e)
        if Path(source.file).suffix in YAML_SUFFIXES:  # Dagster loads no other file
            sources.append(source)
    check_names([*_sources_beside(checked), *sources])
    if configured_kind() == "postgres":
        check_lengths(sources)
    return 2 if errors else 0


def _sources_beside(checked: Sequence[Path]) -> Iterator[Source]:
    """The sources that Dagster loads beside the checked ones. A wrong file has no names."""
    known = {path.resolve() for path in checked}
    yield from read_sources([p for p in configured_files() if p.resolve() not in known])[0]


def _settings(options: argparse.Namespace) -> int:
    from analytics_sync.extract.rest_client.declared_settings import declared_settings
    from analytics_sync.extract.rest_client.setting_hints import misspelt
    from analytics_sync.load.gone.shrinkage import wrong_accepted

    catalog = read_catalog(configured_files())
    for broken in catalog.broken:
        print(broken.error, file=sys.stderr)
    sources = catalog.sources
    if options.source is not None and options.source not in sources:
        print(f"no source {options.source!r}; known: {', '.join(sources)}", file=sys.stderr)
        return 2
    hints, wrong = [], 0
    for source in sources.values():
        if options.source in (None, source.name):
            for setting in declared_settings(source):
                state = "set" if setting.is_set else ("optional" if setting.optional else "MISSING")
                print(f"{setting.variable:<48} {state:<9} {setting.purpose}")
                if setting.has_blanks:
                    hints.append(f"{setting.variable} begins or ends with a space")
            wrong += print_settings(source)
    known = {*PROJECT_VARIABLES, *(v for source in sources.values() for v in variables(source))}
    hints += [f"{name} is not read: did you mean {near}?" for name, near in misspelt(known).items()]
    for hint in hints:
        print(f"hint: {hint}")
    if problem := wrong_accepted(sources.values()):
        print(problem, file=sys.stderr)
        wrong += 1
    return 2 if wrong or (catalog.broken and options.source is None) else 0


def _convert(options: argparse.Namespace) -> int:
    import yaml

    from analytics_sync.catalog.files.python_config import parse_python

    name = options.name or options.file.stem
    text = options.file.read_text(encoding="utf-8")
    data, _ = parse_python(text, options.file.name)
    # Validate first: the errors name lines of the Python file.
    load_file(options.file, name=name)
    print(yaml.safe_dump({"source": name, **data}, sort_keys=False, width=100), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
