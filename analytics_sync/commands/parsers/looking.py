"""Commands that show what is configured, and change nothing.

In: the commands of the program. Out: the same, with ``list``, ``describe``, ``sources`` and ``destinations``.
"""

from __future__ import annotations

from analytics_sync.commands.parsers.commands import PLACES, RESOURCE, Commands, add_json

_DOCUMENT_OF_LISTED = (
    "`assets` (`asset`, `source`, `resource`, `table`, `enabled`, `write_disposition`, "
    "`marks_deleted`, `parent`, `windows`, `automation`, `schedule`, `file`, `line`), "
    "`errors`"
)

_DOCUMENT_OF_DESCRIBE = (
    "the keys of `list`, and `description`, `request`, `records_at`, `paging`, `total_at`, "
    "`primary_key`, `window`, `parents`, `skip_parents`, `inherited`, `children`, `steps`, "
    "`responses`, `retries`, `limits`, `lookback`, `columns` (`column`, `type`, `field`, "
    "`notes`, `description`), `checks`"
)

_DOCUMENT_OF_SOURCES = (
    "`sources` (`source`, `is`, `partitions`, `from`, `schedule`, `declared_in`), `errors`; "
    "of one source `source`, `values` (`key`, `value`, `from`)"
)

_DOCUMENT_OF_DESTINATIONS = (
    "`destinations` (`type`, `warehouse`, `support`, `files`, `note`), `configured`, "
    "`configured_type`, `error`"
)


def add_commands(commands: Commands) -> None:
    """Add the commands of this area."""
    listed = commands.add(
        "list", "all resources: on or off, their rows, windows and schedules",
        run="analytics_sync.commands.list_assets:list_assets",
        status="0 if all files load, 2 if one does not or a value is wrong",
    )  # fmt: skip
    listed.add_argument("places", nargs="*", metavar="PLACE", help=f"{PLACES}; all by default")
    add_json(listed, _DOCUMENT_OF_LISTED)

    describe = commands.add(
        "describe", "what the declaration of a resource means, in plain words",
        run="analytics_sync.commands.describe:describe",
        more="Nothing is requested. The values of settings are not printed.",
        status="0 if the resource is declared, 2 if it is not, or its file or a value is wrong",
    )  # fmt: skip
    describe.add_argument("resource", metavar="RESOURCE", help=RESOURCE)
    add_json(describe, _DOCUMENT_OF_DESCRIBE)

    sources = commands.add(
        "sources", "all sources, and what is set for each",
        run="analytics_sync.commands.sources:sources",
        status="0 if all files load, 2 if one does not or a value is wrong",
    )  # fmt: skip
    sources.add_argument("source", nargs="?", help="the values of one source, and their origins")
    add_json(sources, _DOCUMENT_OF_SOURCES)

    destinations = commands.add(
        "destinations", "the kinds of warehouses, and what is known of each",
        run="analytics_sync.commands.destinations:destinations",
        status="0 if the configured destination is accepted, 2 if it is refused",
    )  # fmt: skip
    destinations.add_argument("--markdown", action="store_true", help="the table as in the docs")
    add_json(destinations, _DOCUMENT_OF_DESTINATIONS)
