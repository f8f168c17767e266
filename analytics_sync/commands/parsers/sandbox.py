"""Commands of the sandbox, an API with made-up data on this machine.

In: the commands of the program. Out: the same, with ``demo``, ``dev`` and ``trouble``.
"""

from __future__ import annotations

from analytics_sync.commands.arguments import whole_number
from analytics_sync.commands.parsers.commands import PLACE, Commands, add_json

_MAX_DAYS = 1000  # of the sandbox's data

_DOCUMENT_OF_TROUBLE = "`trouble` (`kind`, `place`, `seconds`)"


def add_commands(commands: Commands) -> None:
    """Add the commands of this area."""
    demo = commands.add(
        "demo", "sync everything from the sandbox, fresh", run="analytics_sync.demo:demo",
        more="The sandbox serves the configured APIs on this machine. The folder .demo is made anew.",
    )  # fmt: skip
    demo.add_argument("--select", default="*", help="an asset selection; all assets by default")
    demo.add_argument(
        "--days",
        type=whole_number(1, _MAX_DAYS),
        default=7,
        help="daily partitions, up to today; 7 by default",
    )

    dev = commands.add(
        "dev", "the Dagster UI on the sandbox and the demo's history", run="analytics_sync.demo:dev",
        more="It runs until Ctrl-C.",
    )  # fmt: skip
    dev.add_argument(
        "--port",
        type=whole_number(0, 65_535),
        default=3000,
        help="3000 by default; 0 is any free port",
    )

    trouble = commands.add(
        "trouble", "let the running sandbox fail, and mend it",
        run="analytics_sync.commands.trouble:trouble",
        more="Without a kind it lists what is on. 403, expired-key and outage refuse requests, slow "
        "answers late, and off ends all at the place and below it. Trouble ends with the sandbox.",
        status="0 if it was done, 2 if no sandbox is running, or the kind or the place is unknown",
    )  # fmt: skip
    trouble.add_argument("kind", nargs="?", help="403, expired-key, outage, slow or off")
    trouble.add_argument("place", nargs="?", help=f"{PLACE}; all sources by default")
    trouble.add_argument("--seconds", type=float, help="of slow, for each response; 2 by default")
    trouble.add_argument("--url", help="the sandbox's address; by default that of make dev here")
    add_json(trouble, _DOCUMENT_OF_TROUBLE)
