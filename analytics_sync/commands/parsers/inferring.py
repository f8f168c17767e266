"""The command that proposes a catalog file.

In: the commands of the program. Out: the same, with ``infer``.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from analytics_sync.commands.arguments import whole_number
from analytics_sync.commands.parsers.commands import Commands


def add_commands(commands: Commands) -> None:
    """Add the commands of this area."""
    infer = commands.add(
        "infer", "ask an API, and propose a catalog file",
        run="analytics_sync.commands.infer:infer",
        more="It sends a few requests, each shown on standard error, or reads a file of JSON answers. A comment "
        "says what each choice rests on. KEY is the name of a setting, SOURCES__<SOURCE>__<KEY>, or "
        "env:VARIABLE.",
        status="0 if a file was proposed, 1 if the API cannot be read or shows no records, 2 for wrong usage or a "
        "wrong file",
    )  # fmt: skip
    infer.add_argument(
        "address",
        help="the URL of a listing; with --base, also a path below its base_url; or a file of JSON answers",
    )
    infer.add_argument("resource", help="the name of the resource")
    infer.add_argument(
        "--source", metavar="NAME",
        help="the name of the source; by default that of the file, or that of the host",
    )  # fmt: skip
    _add_credentials(infer)
    infer.add_argument(
        "--selector", metavar="PATH", help="the place of the records, as data_selector has it"
    )
    infer.add_argument(
        "--child", action="append", metavar="PATH",
        help="a path below one record to ask for, such as lines for orders/1/lines",
    )  # fmt: skip
    infer.add_argument(
        "--base", type=Path, metavar="FILE", help="a catalog file to add the resource to"
    )
    infer.add_argument(
        "--table", action="store_true",
        help="look at the loaded table of a resource without columns; the address is its source or its file",
    )  # fmt: skip
    infer.add_argument(
        "--out", type=Path, metavar="FILE",
        help="the file to write, which may be that of --base; standard output by default",
    )  # fmt: skip
    infer.add_argument(
        "--requests", type=whole_number(1, 500), default=60, metavar="N",
        help="the largest number of requests; 60 by default",
    )  # fmt: skip


def _add_credentials(infer: ArgumentParser) -> None:
    """Add the options that say how requests are authenticated: none takes a secret."""
    infer.add_argument("--bearer", metavar="KEY", help="the setting of a bearer token")
    infer.add_argument(
        "--basic", metavar="USER=KEY",
        help="a user, and the setting of the password; USER= for no password",
    )  # fmt: skip
    infer.add_argument(
        "--header", action="append", metavar="NAME=KEY",
        help="a header, and the setting of its value",
    )  # fmt: skip
    infer.add_argument(
        "--query", action="append", metavar="NAME=KEY",
        help="a parameter that carries a key, and its setting",
    )  # fmt: skip
