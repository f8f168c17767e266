"""The startup suite: what does it cost before anything is read?

In: the options of the command line. Out: two cases of whole processes. The first case compares
importing the code location and building its definitions with importing Dagster, alone and together
with dagster-dlt. The second case compares runs of assets from the command line with a run of an
asset that does nothing.
"""

from __future__ import annotations

from benchmarks.harness.measure import Contender, Result, measure
from benchmarks.harness.plot import draw_cases
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload.job import Job

_IMPORT_DAGSTER = "import dagster"
_EMPTY_ASSET = "an empty asset"
_PAIRS = 15
_CODE_LOCATION = "analytics_sync.definitions"
_IMPORTS = (
    Contender(_IMPORT_DAGSTER, "command", {"arguments": ["-c", "import dagster"]}),
    Contender(
        "import dagster, dagster_dlt",
        "command",
        {"arguments": ["-c", "import dagster, dagster_dlt"]},
    ),
    Contender(
        "import our code location", "command", {"arguments": ["-c", f"import {_CODE_LOCATION}"]}
    ),
    # Importing builds nothing: Dagster must request the definitions before it can do anything.
    Contender(
        "build our definitions",
        "command",
        {"arguments": ["-c", f"from {_CODE_LOCATION} import defs; defs()"]},
    ),
)
_EMPTY_RUN = {"module": "benchmarks.contenders.empty_asset", "select": "empty", "days": 1}
_DEFAULT_RUN = {
    **_EMPTY_RUN,
    "module": "benchmarks.contenders.default_asset",
    "as_it_comes": True,
}
_RUNS = (
    Contender(_EMPTY_ASSET, "asset_command", _EMPTY_RUN),
    Contender("the same, as Dagster runs it by default", "asset_command", _DEFAULT_RUN),
    Contender(
        "one asset of ours",
        "asset_command",
        {"module": _CODE_LOCATION, "select": "observability/users", "days": 1},
    ),
)
_ALL_ASSETS = Contender(
    "all assets of ours, 7 days",
    "asset_command",
    {"module": _CODE_LOCATION, "select": "*", "days": 7, "partitioned": True},
)


def run(options: Options) -> list[Case]:
    """Measure imports, then runs; quick: one pair of imports, and no run of all assets."""
    pairs = 1 if options.quick else max(_PAIRS, options.rounds)
    contenders = _RUNS if options.quick else (*_RUNS, _ALL_ASSETS)
    job = Job(options={"tables": {}})
    options.log("startup: imports")
    imports = measure(_IMPORTS, job, pairs, None, options.log, baselines=(_IMPORT_DAGSTER,))
    options.log("startup: runs")
    runs = measure(
        contenders, job, options.rounds_to_run, None, options.log, baselines=(_EMPTY_ASSET,)
    )
    for results in (imports, runs):
        _add_differences(results)
    return [
        Case("imports, whole processes", {"pairs": pairs}, imports),
        Case("dagster asset materialize, whole processes", {}, runs),
    ]


def _add_differences(results: list[Result]) -> None:
    """Add the difference to the first result, in seconds, as a figure of each result."""
    first = results[0].seconds
    for result in results:
        result.peak_mb = None  # Each contender starts several processes.
        if first is not None and result.seconds is not None:
            result.figures["s beyond"] = result.seconds - first


SUITE = Suite("startup", "what does it cost before anything is read?", run, draw_cases)
