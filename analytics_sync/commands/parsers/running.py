"""Commands that load data, or say what a load would do.

In: the commands of the program. Out: the same, with ``run``.
"""

from __future__ import annotations

from analytics_sync.commands.parsers.commands import Commands


def add_commands(commands: Commands) -> None:
    """Add the commands of this area."""
    run = commands.add(
        "run", "materialize assets through Dagster, and show it",
        run="analytics_sync.commands.run:run",
        more="The run is in the history of DAGSTER_HOME, if that is set. Ctrl-C cancels it.",
        status="0 if all is loaded and no check of severity ERROR failed, 1 if not, 2 for wrong usage",
    )  # fmt: skip
    run.add_argument(
        "selection", metavar="SELECTION",
        help="a source, SOURCE/RESOURCE, several with commas between, or an asset selection of Dagster",
    )  # fmt: skip
    run.add_argument(
        "--days", metavar="A..B",
        help="the days to load, one day, or a number of days up to today; by default the newest partition "
        "that is over",
    )  # fmt: skip
    run.add_argument(
        "-w", "--workspace", metavar="FILE",
        help="the workspace file of the UI that shows the run; by default the one in this folder",
    )  # fmt: skip
