"""``python -m benchmarks [suite ...]``: measure, write down, print, draw.

Out: for each suite ``<out>/<suite>/results.json`` and ``plot.svg``, and its table on standard
output. The exit status is 1 if a way did not load what was served.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.harness.machine import machine
from benchmarks.harness.plot import NotDrawn
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.harness.table import table
from benchmarks.suites import SUITES


def main(arguments: list[str] | None = None) -> int:
    """Run the suites that are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = "; ".join(f"{suite.name}: {suite.about}" for suite in SUITES.values())
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"{known} (all)")
    parser.add_argument(
        "--records", type=int, default=100_000, help="of the work suite (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of each way (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of few cases or tiny sizes")
    parser.add_argument("--no-peers", action="store_true", help="nothing with its own virtualenv")
    parser.add_argument("--out", type=Path, default=Path(".bench"), help="(%(default)s)")
    parser.add_argument("--venvs", type=Path, default=Path(".venv-bench"), help="(%(default)s)")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.suites if name not in SUITES]:
        parser.error(f"no suite is called {unknown[0]!r}; there are {', '.join(SUITES)}")
    options = Options(
        records=asked.records,
        rounds=asked.rounds,
        quick=asked.quick,
        venvs=None if asked.no_peers else asked.venvs,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    failed = False
    done: list[tuple[Suite, dict[str, Any]]] = []
    for suite in [SUITES[name] for name in asked.suites or SUITES]:
        cases = suite.run(options)
        done.append((suite, _write(suite, cases, options, asked.out / suite.name)))
        for case in cases:
            print(*table(case), sep="\n", flush=True)
            failed = failed or any(result.failed for result in case.results)
    # last: a measured process would count the memory of drawing as its own peak
    for suite, document in done:
        try:
            suite.draw(document, asked.out / suite.name / "plot.svg")
        except NotDrawn as e:
            options.say(str(e))
    return int(failed)


def _write(suite: Suite, cases: list[Case], options: Options, folder: Path) -> dict[str, Any]:
    document = {
        "suite": suite.name,
        "about": suite.about,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": {
            "records": options.records,
            "rounds": options.rounds,
            "quick": options.quick,
        },
        "machine": machine(),
        "cases": [asdict(case) for case in cases],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return document


if __name__ == "__main__":
    sys.exit(main())
