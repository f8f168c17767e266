"""Commands that show what is configured, and change nothing.

In: the commands of the program. Out: the same, with ``list``, ``describe``, ``settings``, ``doctor``,
``sources``, ``destinations`` and ``alert-test``.
"""

from __future__ import annotations

from analytics_sync.commands.parsers.commands import PLACES, RESOURCE, Commands, add_json


def add_commands(commands: Commands) -> None:
    """Add the commands of this area."""
    listed = commands.add(
        "list", "all resources: on or off, their rows, windows and schedules",
        run="analytics_sync.commands.list_assets:list_assets",
        status="0 if all files load, 2 if one does not or a value is wrong",
    )  # fmt: skip
    listed.add_argument("places", nargs="*", metavar="PLACE", help=f"{PLACES}; all by default")
    add_json(listed)

    describe = commands.add(
        "describe", "what the declaration of a resource means, in plain words",
        run="analytics_sync.commands.describe:describe",
        more="Nothing is requested. The values of settings are not printed.",
        status="0 if the resource is declared, 2 if it is not, or its file or a value is wrong",
    )  # fmt: skip
    describe.add_argument("resource", metavar="RESOURCE", help=RESOURCE)
    add_json(describe)

    settings = commands.add(
        "settings", "the settings a source needs, and which are set",
        run="analytics_sync.commands.settings:settings",
        more="Values are not printed.",
        status="0 if all required settings are set, 1 if one is missing or has a space around it, 2 if a "
        "file or a value is wrong. Sources that are off count only if they are named",
    )  # fmt: skip
    settings.add_argument("source", nargs="?", help="one source; all sources by default")
    add_json(settings)

    doctor = commands.add(
        "doctor", "whether this machine and its settings can run the sources",
        run="analytics_sync.commands.doctor.command:doctor",
        more="It looks at Python, packages, DAGSTER_HOME, disks, catalog, settings, warehouse, locks, executor and "
        "coordination, and asks each API once for its clock. It makes no file and no table.",
        status="0 if nothing failed, 1 if something did",
    )  # fmt: skip
    doctor.add_argument("--offline", action="store_true", help="ask no API")
    add_json(doctor)

    sources = commands.add(
        "sources", "all sources, and what is set for each",
        run="analytics_sync.commands.sources:sources",
        status="0 if all files load, 2 if one does not or a value is wrong",
    )  # fmt: skip
    sources.add_argument("source", nargs="?", help="the values of one source, and their origins")
    add_json(sources)

    destinations = commands.add(
        "destinations", "the kinds of warehouses, and what is known of each",
        run="analytics_sync.commands.destinations:destinations",
        status="0 if the configured destination is accepted, 2 if it is refused",
    )  # fmt: skip
    destinations.add_argument("--markdown", action="store_true", help="the table as in the docs")
    add_json(destinations)

    alert_test = commands.add(
        "alert-test", "send a test message to those who are told of failures",
        run="analytics_sync.commands.alert_test:alert_test",
        more="ANALYTICS_SYNC__ALERTS__URLS names them.",
        status="0 if all took it, 1 if one did not or none is set, 2 if a setting is wrong",
    )  # fmt: skip
    add_json(alert_test)
