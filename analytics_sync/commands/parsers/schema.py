"""Commands about tables of the warehouse.

In: the commands of the program. Out: the same, with ``schema`` and its own commands.
"""

from __future__ import annotations

from analytics_sync.commands.parsers.commands import PLACE, Commands, add_json

_DOCUMENT_OF_DIFF = "`differences`: texts"

_DOCUMENT_OF_HEAL = "`tables` (`asset`, `text`, `failed`), `next_steps`"

_DOCUMENT_OF_RESET = "`tables` (`asset`, `text`, `failed`), `next_steps`: commands"


def add_commands(commands: Commands) -> None:
    """Add the commands of this area."""
    schema = commands.add("schema", "compare tables with declarations, and repair them")
    actions = Commands(schema, "ACTION")

    diff = actions.add(
        "diff", "the differences, and what the next run does about them",
        run="analytics_sync.commands.schema:diff",
        status="0 without a difference, 1 with differences, 2 after an error",
    )  # fmt: skip
    diff.add_argument("place", nargs="?", help=f"{PLACE}; all sources by default")
    diff.add_argument("--dry-run", action="store_true", help="diff never changes anything")
    add_json(diff, _DOCUMENT_OF_DIFF)

    heal = actions.add(
        "heal", "fill columns with the values that _extra holds for them",
        run="analytics_sync.commands.schema:heal",
        status="0 if all was done, 1 if a table could not be changed, 2 after an error",
    )  # fmt: skip
    heal.add_argument("place", nargs="?", help=f"{PLACE}; all sources by default")
    heal.add_argument("--dry-run", action="store_true", help="count only")
    add_json(heal, _DOCUMENT_OF_HEAL)

    reset = actions.add(
        "reset", "drop tables, so that the next run makes them new",
        run="analytics_sync.commands.schema:reset",
        more="It prints the command that loads the rows again.",
        status="0 if all was done, 1 if a table could not be changed, 2 after an error or without --yes",
    )  # fmt: skip
    reset.add_argument("place", help=PLACE)
    confirmed = reset.add_mutually_exclusive_group()
    confirmed.add_argument("--dry-run", action="store_true", help="say what would be dropped")
    confirmed.add_argument("--yes", action="store_true", help="drop it")
    add_json(reset, _DOCUMENT_OF_RESET)
