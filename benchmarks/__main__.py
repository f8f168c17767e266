"""``python -m benchmarks [suite ...]``: run suites, then print, write and draw their results.

In: names of suites; all of them if none is named. Out: for each suite ``<out>/<suite>/results.json``
and ``plot.svg``, and its table on standard output. The exit status is 1 if a contender did not load
the served records.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.harness.machine import describe_machine
from benchmarks.harness.plot import MatplotlibMissing
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.harness.table import table_lines
from benchmarks.suites import SUITES


def main(arguments: list[str] | None = None) -> int:
    """Run the named suites; return the exit status."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if unknown := [name for name in parsed.suites if name not in SUITES]:
        parser.error(f"no suite is called {unknown[0]!r}; there are {', '.join(SUITES)}")
    options = Options(
        records=parsed.records,
        rounds=parsed.rounds,
        quick=parsed.quick,
        venvs=None if parsed.no_peers else parsed.venvs,
        log=lambda line: print(line, file=sys.stderr, flush=True),
    )
    failed = False
    documents: list[tuple[Suite, dict[str, Any]]] = []
    for suite in [SUITES[name] for name in parsed.suites or SUITES]:
        cases = suite.run(options)
        documents.append((suite, _write_results(suite, cases, options, parsed.out / suite.name)))
        for case in cases:
            print(*table_lines(case), sep="\n", flush=True)
            failed = failed or any(result.failed for result in case.results)
    # Draw last: a child process would count the memory of drawing as its own peak.
    for suite, document in documents:
        try:
            suite.draw(document, parsed.out / suite.name / "plot.svg")
        except MatplotlibMissing as e:
            options.log(str(e))
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    descriptions = "; ".join(f"{suite.name}: {suite.about}" for suite in SUITES.values())
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"{descriptions} (all)")
    parser.add_argument(
        "--records", type=int, default=100_000, help="of the work suite (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of each contender (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of few cases or tiny sizes")
    parser.add_argument("--no-peers", action="store_true", help="nothing with its own virtualenv")
    parser.add_argument("--out", type=Path, default=Path(".bench"), help="(%(default)s)")
    parser.add_argument("--venvs", type=Path, default=Path(".venv-bench"), help="(%(default)s)")
    return parser


def _write_results(
    suite: Suite, cases: list[Case], options: Options, folder: Path
) -> dict[str, Any]:
    document = {
        "suite": suite.name,
        "about": suite.about,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": {
            "records": options.records,
            "rounds": options.rounds,
            "quick": options.quick,
        },
        "machine": describe_machine(),
        "cases": [asdict(case) for case in cases],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return document


if __name__ == "__main__":
    sys.exit(main())
