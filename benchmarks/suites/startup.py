"""The startup suite: what does it cost before anything is read?

Out: whole processes: importing the code location, and building what it is imported for, beside
importing Dagster, alone and with dagster-dlt; and runs of the command line beside a run of an asset
that does nothing.
"""

from __future__ import annotations

from benchmarks.harness.measure import Result, Way, measure
from benchmarks.harness.plot import draw_cases
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload.job import Job

_DAGSTER = "import dagster"
_EMPTY = "an empty asset"
_PAIRS = 15
_OURS = "analytics_sync.definitions"
_IMPORTS = (
    Way(_DAGSTER, "command", {"arguments": ["-c", "import dagster"]}),
    Way(
        "import dagster, dagster_dlt",
        "command",
        {"arguments": ["-c", "import dagster, dagster_dlt"]},
    ),
    Way("import our code location", "command", {"arguments": ["-c", f"import {_OURS}"]}),
    # importing builds nothing; Dagster has to ask for the definitions before it can do anything
    Way("build our definitions", "command", {"arguments": ["-c", f"from {_OURS} import defs"]}),
)
_DEFAULT = "the same, as Dagster runs it by default"
_NOTHING = {"module": "benchmarks.contenders.empty_asset", "select": "empty", "days": 1}
_AS_IT_COMES = {**_NOTHING, "module": "benchmarks.contenders.default_asset", "as_it_comes": True}
_ONE = {"module": _OURS, "select": "observability/users", "days": 1}
_ALL = {"module": _OURS, "select": "*", "days": 7, "partitioned": True}


def run(options: Options) -> list[Case]:
    """Imports, then runs; quick: one pair of imports, and no run of everything."""
    pairs = 1 if options.quick else max(_PAIRS, options.rounds)
    runs = [
        Way(_EMPTY, "asset_command", _NOTHING),
        Way(_DEFAULT, "asset_command", _AS_IT_COMES),
        Way("one asset of ours", "asset_command", _ONE),
    ]
    if not options.quick:
        runs.append(Way("all assets of ours, 7 days", "asset_command", _ALL))
    job = Job(options={"tables": {}})
    options.say("startup: imports")
    imports = measure(_IMPORTS, job, pairs, None, options.say, bases=(_DAGSTER,))
    options.say("startup: runs")
    rounds = 1 if options.quick else options.rounds
    results = measure(runs, job, rounds, None, options.say, bases=(_EMPTY,))
    for case in (imports, results):
        _beyond(case)
    return [
        Case("imports, whole processes", {"pairs": pairs}, imports),
        Case("dagster asset materialize, whole processes", {}, results),
    ]


def _beyond(results: list[Result]) -> None:
    """How much longer each took than the first."""
    first = results[0].seconds
    for result in results:
        result.peak_mb = None  # these are several processes
        if first is not None and result.seconds is not None:
            result.figures["s beyond"] = result.seconds - first


SUITE = Suite("startup", "what does it cost before anything is read?", run, draw_cases)
