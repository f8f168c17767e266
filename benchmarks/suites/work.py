"""The work suite: what does the whole load cost, from the first request to the table?

Out: a case for each page size, shape and write disposition. Peers run in the main case only, and
they, like the limit, put rows into a new table without a look at keys: that favours them.
"""

from __future__ import annotations

import itertools

from benchmarks.harness.measure import LIMIT, OURS, Way, measure
from benchmarks.harness.plot import draw_cases
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload.job import TABLE, Job
from benchmarks.workload.records import FLAT, NESTED, Shape, pages
from benchmarks.workload.server import Server, paged

_ALWAYS = (
    Way(LIMIT, "limit"),
    Way(OURS, "ours"),
    Way("plain dlt, parquet, no nesting", "plain_dlt", {"max_table_nesting": 0}),
    Way("plain dlt, parquet", "plain_dlt"),
)
_MAIN_ONLY = (
    Way("limit, pages are NDJSON already", "limit", {"ndjson": True}),
    Way("dagster-dlt as it comes", "plain_dagster"),
    Way("airbyte-cdk, manifest", "airbyte", peer="airbyte"),
    Way("singer-sdk, REST tap", "singer", peer="singer"),
)
_MAIN = (1000, NESTED, "merge")


def run(options: Options) -> list[Case]:
    """The main case, then the others."""
    others = itertools.product((1000, 100), (NESTED, FLAT), ("merge", "replace"))
    cases = [_MAIN] if options.quick else [_MAIN, *(c for c in others if c != _MAIN)]
    return [_case(*case, options) for case in cases]


def _case(size: int, shape: Shape, disposition: str, options: Options) -> Case:
    name = f"{options.records:,} {shape.name} records, {size:,} a page, {disposition}"
    options.say(f"work: {name}")
    main = (size, shape, disposition) == _MAIN
    ways = (*_ALWAYS, *(_MAIN_ONLY if main else ()))
    with Server(lambda: {f"/{TABLE}": paged(pages(shape, options.records, size))}) as server:
        job = Job(server.url, shape.name, options.records, size, disposition)
        results = measure(
            ways, job, 1 if options.quick else options.rounds, options.venvs, options.say
        )
    parameters = {"shape": shape.name, "page_size": size, "disposition": disposition}
    return Case(name, parameters, results)


SUITE = Suite("work", "what does a whole load cost?", run, draw_cases)
