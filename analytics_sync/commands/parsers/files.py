"""Commands about catalog files: whether they are right, and how one comes about.

In: the commands of the program. Out: the same, with ``check``, ``convert`` and ``json-schema``.
"""

from __future__ import annotations

from pathlib import Path

from analytics_sync.commands.parsers.commands import DAYS, Commands, add_json

_DOCUMENT_OF_CHECK = (
    "`sources` (`file`, `source`, `summary`, `notes`), `errors`. With `--live`: `assets` "
    "(`asset`, `window`, `aspects`: name -> `state` (`ok`, `failed`, `not proven`, `-` for "
    "not declared) and `text`), `ok`, `failed`, `not_proven`, `errors`"
)


def add_commands(commands: Commands) -> None:
    """Add the commands of this area."""
    check = commands.add(
        "check", "read catalog files and say what is wrong with them",
        run="analytics_sync.commands.check:check",
        more="Without files, it checks those that Dagster loads. With --live it asks the API for the first page "
        "of each resource, once: whether it answers, takes the key, and sends what is declared. Nothing is loaded.",
        status="0 if all files load, 2 if one does not or a setting is wrong. With --live: 0 if all is proven, 1 if "
        "something does not hold, 2 for wrong usage or a wrong file, 3 if something is not proven, such as the types "
        "of a page without records",
    )  # fmt: skip
    check.add_argument(
        "files", nargs="*", type=Path,
        help="YAML, or Python with a rest_api config. With --live also SOURCE, SOURCE/RESOURCE or FILE/RESOURCE",
    )  # fmt: skip
    check.add_argument("--live", action="store_true", help="one request for each resource")
    check.add_argument("--days", metavar="A..B", help=f"with --live: the days to ask for, {DAYS}")
    add_json(check, _DOCUMENT_OF_CHECK)

    convert = commands.add(
        "convert", "a dlt rest_api configuration in Python -> YAML",
        run="analytics_sync.commands.convert:convert",
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

    json_schema = commands.add(
        "json-schema", "the JSON Schema of a catalog file, for editors",
        run="analytics_sync.commands.json_schema:json_schema",
        more="The first line of a catalog file names it: # yaml-language-server: $schema=catalog.schema.json.",
        status="0 if it was written, 2 if it cannot be written",
    )  # fmt: skip
    json_schema.add_argument(
        "--out", type=Path, metavar="FILE",
        help="the file to write, such as catalog.schema.json beside a catalog file; standard output by default",
    )  # fmt: skip
