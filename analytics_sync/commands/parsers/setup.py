"""Commands that set a machine up, and say whether it is.

In: the commands of the program. Out: the same, with ``settings``, ``doctor``, ``alert-test`` and ``completion``.
"""

from __future__ import annotations

from analytics_sync.commands.parsers.commands import Commands, add_json

_DOCUMENT_OF_SETTINGS = (
    "`settings` (`variable`, `state`: `set`, `optional` or `missing`, `purpose`, and "
    "`source`, `value`, `from` where there is one), `missing`: their number, `hints`, "
    "`errors`. No value of the API's settings"
)

_DOCUMENT_OF_DOCTOR = (
    "`diagnoses` (`name`, `state`: `ok`, `warning` or `failed`, `text`), `failed`, `warnings`"
)

_DOCUMENT_OF_ALERT_TEST = "`receivers` (`receiver`, `sent`, `error`)"


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
    add_json(settings, _DOCUMENT_OF_SETTINGS)

    doctor = commands.add(
        "doctor", "whether this machine and its settings can run the sources",
        run="analytics_sync.commands.doctor.command:doctor",
        more="It looks at Python, packages, DAGSTER_HOME, disks, catalog, settings, warehouse, locks, executor and "
        "coordination, and asks each API once for its clock. It makes no table, and no file except those that Dagster makes in "
        "DAGSTER_HOME at its first use.",
        status="0 if nothing failed, 1 if something did",
    )  # fmt: skip
    doctor.add_argument("--offline", action="store_true", help="ask no API")
    add_json(doctor, _DOCUMENT_OF_DOCTOR)

    alert_test = commands.add(
        "alert-test", "send a test message to those who are told of failures",
        run="analytics_sync.commands.alert_test:alert_test",
        more="ANALYTICS_SYNC__ALERTS__URLS names them.",
        status="0 if all took it, 1 if one did not or none is set, 2 if a setting is wrong",
    )  # fmt: skip
    add_json(alert_test, _DOCUMENT_OF_ALERT_TEST)

    completion = commands.add(
        "completion", "a script for the shell, which completes commands, options and places",
        run="analytics_sync.commands.completion:completion",
        more="bash: source <(analytics-sync completion bash). zsh: the same with zsh, after compinit.",
        status="0",
    )  # fmt: skip
    completion.add_argument("shell", choices=("bash", "zsh"), help="bash or zsh")
