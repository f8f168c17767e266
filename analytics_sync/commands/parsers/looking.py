"""Commands that show what is configured, and change nothing.

In: the commands of the program. Out: the same, with ``settings``, ``sources``, ``destinations`` and ``alert-test``.
"""

from __future__ import annotations

from analytics_sync.commands.parsers.commands import Commands


def add_commands(commands: Commands) -> None:
    """Add the commands of this area."""
    settings = commands.add(
        "settings", "the settings a source needs, and which are set",
        run="analytics_sync.commands.settings:settings",
        more="Values are not printed.",
        status="0 if all required settings are set, 1 if one is missing or has a space around it, 2 if a "
        "file or a value is wrong. Sources that are off count only if they are named",
    )  # fmt: skip
    settings.add_argument("source", nargs="?", help="one source; all sources by default")

    sources = commands.add(
        "sources", "all sources, and what is set for each",
        run="analytics_sync.commands.sources:sources",
        status="0 if all files load, 2 if one does not or a value is wrong",
    )  # fmt: skip
    sources.add_argument("source", nargs="?", help="the values of one source, and their origins")

    destinations = commands.add(
        "destinations", "the kinds of warehouses, and what is known of each",
        run="analytics_sync.commands.destinations:destinations",
        status="0 if the configured destination is accepted, 2 if it is refused",
    )  # fmt: skip
    destinations.add_argument("--markdown", action="store_true", help="the table as in the docs")

    commands.add(
        "alert-test", "send a test message to those who are told of failures",
        run="analytics_sync.commands.alert_test:alert_test",
        more="ANALYTICS_SYNC__ALERTS__URLS names them.",
        status="0 if all took it, 1 if one did not or none is set, 2 if a setting is wrong",
    )  # fmt: skip
