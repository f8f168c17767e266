"""Commands that load data, or say what a load would do.

In: the commands of the program. Out: the same, with ``run``, ``plan`` and ``preview``.
"""

from __future__ import annotations

from analytics_sync.commands.arguments import whole_number
from analytics_sync.commands.parsers.commands import DAYS, RESOURCE, Commands, add_json

_SELECTION = (
    "a source, SOURCE/RESOURCE, several with commas between, or an asset selection of Dagster"
)

_DOCUMENT_OF_RUN = (
    "`run_id`, `seconds`, `assets` (`asset`, `loaded`, `rows_loaded`, `rows_inserted`, "
    "`rows_updated_or_unchanged`, `records_rejected`, `seconds_reading`, `checks`: name -> "
    "passed), `warnings`, `failures`"
)

_DOCUMENT_OF_PLAN = (
    "`sources` (`source`, `window`, `first_partition`, `last_partition`, `partitions`, "
    "`limits`, `fewest_requests`, `requests_by_latest_runs`, `seconds_at_rate_limit`, "
    "`error`, `assets`: `asset`, `loaded`, `window`, `fewest_requests`, `one_for_each`, "
    "`first_request`, `requests_by_latest_run`, `seconds_by_latest_run`, `error`)"
)

_DOCUMENT_OF_PREVIEW = (
    "`asset`, `window`, `requests` (`request`, `status`), `error`; and unless it failed "
    "`records`, `rows_of_page`, `rows`, `outside_window`, `rejected`, `absent_fields`, "
    "`findings`"
)


def add_commands(commands: Commands) -> None:
    """Add the commands of this area."""
    run = commands.add(
        "run", "materialize assets through Dagster, and show it",
        run="analytics_sync.commands.run:run",
        more="The run is in the history of DAGSTER_HOME, if that is set. Ctrl-C cancels it.",
        status="0 if all is loaded and no check of severity ERROR failed, 1 if not, 2 for wrong usage",
    )  # fmt: skip
    run.add_argument("selection", metavar="SELECTION", help=_SELECTION)
    run.add_argument(
        "--days", metavar="A..B",
        help=f"the days to load, {DAYS}",
    )  # fmt: skip
    run.add_argument(
        "-w", "--workspace", metavar="FILE",
        help="the workspace file of the UI that shows the run; by default the one in this folder",
    )  # fmt: skip
    add_json(run, _DOCUMENT_OF_RUN)

    plan = commands.add(
        "plan", "the windows, requests and limits of a run; nothing is sent",
        run="analytics_sync.commands.plan:plan",
        more="With DAGSTER_HOME, it also says how many requests the latest run of each asset took.",
        status="0 if all first requests can be made, 1 if one cannot, 2 for wrong usage or a wrong value",
    )  # fmt: skip
    plan.add_argument("selection", metavar="SELECTION", help=_SELECTION)
    plan.add_argument("--days", metavar="A..B", help=f"the days to plan, {DAYS}")
    add_json(plan, _DOCUMENT_OF_PLAN)

    preview = commands.add(
        "preview", "the first page of a resource as a table; nothing is loaded",
        run="analytics_sync.commands.preview:preview",
        more="It shows the requests that were sent, with secrets masked. It opens no warehouse, and leaves no "
        "journal and no history. A child takes the first page of its parent, too.",
        status="0 if the page was read, 1 if not, 2 for wrong usage, a wrong file or a wrong value",
    )  # fmt: skip
    preview.add_argument("resource", metavar="RESOURCE", help=RESOURCE)
    preview.add_argument("--days", metavar="A..B", help=f"the days to read, {DAYS}")
    preview.add_argument(
        "--rows",
        type=whole_number(1, 100_000),
        default=20,
        help="the largest number of rows; 20 by default",
    )
    add_json(preview, _DOCUMENT_OF_PREVIEW)
