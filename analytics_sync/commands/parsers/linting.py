"""The command that finds classic defects of catalog files.

In: the commands of the program. Out: the same, with ``lint``.
"""

from __future__ import annotations

from analytics_sync.commands.parsers.commands import PLACES, Commands, add_json

_DOCUMENT_OF_LINT = (
    "`defects` (`rule`, `file`, `line`, `resource`, `reason`, `proposal`), `resources`: their "
    "number. With `--rules`: `rules` (`rule`, `finds`)"
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
