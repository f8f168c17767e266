"""Commands that find defects of catalog files: by rules, and by a sandbox.

In: the commands of the program. Out: the same, with ``lint`` and ``test``.
"""

from __future__ import annotations

from analytics_sync.commands.parsers.commands import PLACES, Commands, add_json

_DOCUMENT_OF_LINT = (
    "`defects` (`rule`, `file`, `line`, `resource`, `reason`, `proposal`), `resources`: their "
    "number. With `--rules`: `rules` (`rule`, `finds`)"
)

_DOCUMENT_OF_TEST = (
    "`assets` (`asset`, `requests`, `pages`, `rows`, `expected`, `missing` and `unexpected`: "
    "examples of keys, `error`, `result`: `ok` or `failed`), `failed`: their number"
)


def add_commands(commands: Commands) -> None:
    """Add the commands of this area."""
    lint = commands.add(
        "lint", "classic defects of catalog files that load, each with a proposal",
        run="analytics_sync.commands.lint.command:lint",
        more="It looks at the declaration only: nothing is requested.",
        status="0 without a defect, 1 with defects or a file that does not load, 2 for wrong usage",
    )  # fmt: skip
    lint.add_argument("places", nargs="*", metavar="PLACE", help=f"{PLACES}; all by default")
    lint.add_argument(
        "--ignore", action="append", metavar="RULE", help="a rule to leave out; may be repeated"
    )
    lint.add_argument("--rules", action="store_true", help="list the rules")
    add_json(lint, _DOCUMENT_OF_LINT)

    test = commands.add(
        "test", "read a catalog file from a sandbox of its own, and compare the rows",
        run="analytics_sync.commands.sandbox_test:test_files",
        more="The sandbox makes data up for two days and answers as the file declares: all pages, windows, parents "
        "and keys must lead to all rows. The real API is not asked, and nothing is loaded.",
        status="0 if all rows were read, 1 if some are missing or too many, 2 for wrong usage or a wrong file",
    )  # fmt: skip
    test.add_argument("files", nargs="+", metavar="PLACE", help=PLACES)
    add_json(test, _DOCUMENT_OF_TEST)
