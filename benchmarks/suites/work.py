"""The work suite: what does the whole load cost, from the first request to the table?

In: the options of the command line. Out: a case for each page size, shape and write disposition.
Peers run in the main case only. Peers and the limit insert rows into a new table without a look at
keys, which favours them.
"""

from __future__ import annotations

import itertools

from benchmarks.harness.measure import LIMIT, OURS, Contender, measure
from benchmarks.harness.plot import draw_cases
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload.job import TABLE, Job
from benchmarks.workload.records import FLAT, NESTED, Shape, page_bodies
from benchmarks.workload.server import Routes, Server, stored_pages

_EVERY_CASE = (
    Contender(LIMIT, "limit"),
    Contender(OURS, "ours"),
    Contender("plain dlt, parquet, no nesting", "plain_dlt", {"max_table_nesting": 0}),
    Contender("plain dlt, parquet", "plain_dlt"),
)
_MAIN_CASE_ONLY = (
    Contender("limit, pages are NDJSON already", "limit", {"ndjson": True}),
    Contender("dagster-dlt as it comes", "plain_dagster"),
    Contender("airbyte-cdk, manifest", "airbyte", peer="airbyte"),
    Contender("singer-sdk, REST tap", "singer", peer="singer"),
)
_MAIN_CASE = (1000, NESTED, "merge")


def run(options: Options) -> list[Case]:
    """Measure the main case, then the others; quick: the main case only."""
    others = itertools.product((1000, 100), (NESTED, FLAT), ("merge", "replace"))
    cases = [_MAIN_CASE] if options.quick else [_MAIN_CASE, *(c for c in others if c != _MAIN_CASE)]
    return [_measure_case(*case, options) for case in cases]


def _measure_case(page_size: int, shape: Shape, disposition: str, options: Options) -> Case:
    name = f"{options.records:,} {shape.name} records, {page_size:,} a page, {disposition}"
    options.log(f"work: {name}")
    is_main = (page_size, shape, disposition) == _MAIN_CASE
    contenders = (*_EVERY_CASE, *(_MAIN_CASE_ONLY if is_main else ()))

    def routes() -> Routes:
        return {f"/{TABLE}": stored_pages(page_bodies(shape, options.records, page_size))}

    with Server(routes) as server:
        job = Job(server.url, shape.name, options.records, page_size, disposition)
        results = measure(contenders, job, options.rounds_to_run, options.venvs, options.log)
    parameters = {"shape": shape.name, "page_size": page_size, "disposition": disposition}
    return Case(name, parameters, results)


SUITE = Suite("work", "what does a whole load cost?", run, draw_cases)
