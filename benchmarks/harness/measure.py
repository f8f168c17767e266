"""Ways side by side, in turn, each in a process of its own.

In: ways and the job they share. Out: for each way a result: seconds without imports, rows, peak
memory, what it cost the server and the way's own figures, and its ratio to others of the same round.
A way that cannot run has the reason instead.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.harness.peers import NotInstalled, python_of
from benchmarks.workload.job import Job

ROOT = Path(__file__).parents[2]
LIMIT = "limit"
OURS = "ours"
_TIMEOUT = 1800


@dataclass(frozen=True)
class Way:
    """One way to do the work.

    Attributes:
        name: As printed.
        module: Of ``benchmarks.contenders``.
        options: For its job.
        peer: Whose virtualenv it runs in; this one's when None.
        rounds: At most so many; it takes minutes.
    """

    name: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    peer: str | None = None
    rounds: int | None = None


@dataclass(frozen=True)
class Round:
    """What one way took once."""

    seconds: float
    rows: int
    peak_mb: float
    requests: int | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Result:
    """What one way took.

    Attributes:
        way: Its name.
        rounds: In the order they were run.
        seconds: Median.
        ratios: To which way -> median of each round's ratio to it.
        peak_mb: Highest resident set; of a pipeline of two processes, the sum of their highest.
        requests: Median, where they are counted.
        figures: Medians of what else is told, by name as printed.
        size: Where it stands on a curve.
        missing: Why the way cannot run here.
        failed: Why it did not do what it should.
    """

    way: str
    rounds: list[Round] = field(default_factory=list)
    seconds: float | None = None
    ratios: dict[str, float] = field(default_factory=dict)
    peak_mb: float | None = None
    requests: int | None = None
    figures: dict[str, float] = field(default_factory=dict)
    size: float | None = None
    missing: str | None = None
    failed: str | None = None


def measure(
    ways: Sequence[Way],
    job: Job,
    rounds: int,
    venvs: Path | None,
    say: Callable[[str], None],
    *,
    bases: Sequence[str] = (LIMIT, OURS),
    requests: Callable[[], int] | None = None,
) -> list[Result]:
    """Run all ways once, then all again: what disturbs the machine disturbs each of them.

    Args:
        ways: In the order they run.
        job: What all of them do.
        rounds: How often, unless a way has its own limit.
        venvs: Where peers have their virtualenvs; None leaves peers out.
        say: Takes a line about what goes on.
        bases: Names of the ways that all are compared with.
        requests: How many the server has had so far, if that is of interest.
    """
    results = {way.name: Result(way.name) for way in ways}
    for turn in range(rounds):
        for way in ways:
            result = results[way.name]
            if result.missing or result.failed or (way.rounds or rounds) <= turn:
                continue
            try:
                before = requests() if requests else 0
                done = run_once(way, job, venvs)
                if requests:
                    done = dataclasses.replace(done, requests=requests() - before)
            except NotInstalled as e:
                result.missing = str(e)
                say(f"  {way.name}: {result.missing}")
            except RuntimeError as e:
                result.failed = str(e)
                say(f"  {way.name}: failed: {e}")
            else:
                result.rounds.append(done)
                say(f"  {turn + 1}/{rounds} {way.name}: {done.seconds:.2f} s")
    for result in results.values():
        summarize(result, results, bases)
    return list(results.values())


def run_once(way: Way, job: Job, venvs: Path | None) -> Round:
    """One way, once, in a folder of its own.

    Raises:
        NotInstalled: Its packages are not there.
        RuntimeError: It failed.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        return run_in(folder, way, job, venvs)


def run_in(folder: str, way: Way, job: Job, venvs: Path | None) -> Round:
    """One way, once, in a folder that may hold what others have left for it.

    Raises:
        NotInstalled: Its packages are not there.
        RuntimeError: It failed.
    """
    python = Path(sys.executable)
    if way.peer is not None:
        if venvs is None:
            raise NotInstalled("left out, as all peers")
        python = python_of(way.peer, venvs)
    job = dataclasses.replace(job, folder=folder, options={**job.options, **way.options})
    os.sync()  # what the last way left to be written is not this one's to wait for
    try:
        done = subprocess.run(
            [python, "-m", "benchmarks.contenders", way.module, job.to_json()],
            cwd=folder,
            env=_environment(folder),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not done after {_TIMEOUT} s") from None
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or str(done.returncode)).splitlines()[-1])
    return Round(**json.loads(done.stdout.splitlines()[-1]))


def _environment(folder: str) -> dict[str, str]:
    """What a way is told, and nothing of what the user has set."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "HOME": folder,
        "TMPDIR": folder,
        "DLT_DATA_DIR": str(Path(folder) / "dlt-data"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def summarize(
    result: Result, results: Mapping[str, Result], bases: Sequence[str] = (LIMIT, OURS)
) -> None:
    """Fill in what follows from the rounds.

    Args:
        result: To be filled in.
        results: By name, those it may be compared with.
        bases: Names of those it is compared with.
    """
    if not result.rounds:
        return
    result.seconds = statistics.median(r.seconds for r in result.rounds)
    result.peak_mb = max(r.peak_mb for r in result.rounds)
    if all(r.requests is not None for r in result.rounds):
        result.requests = round(statistics.median(r.requests or 0 for r in result.rounds))
    for name in result.rounds[0].figures:
        result.figures[name] = statistics.median(r.figures[name] for r in result.rounds)
    for base in bases:
        ratio = _ratio(result, results.get(base))
        if ratio is not None:
            result.ratios[base] = ratio


def _ratio(result: Result, base: Result | None) -> float | None:
    # where one has fewer rounds they are compared within those
    if base is None or not base.rounds:
        return None
    pairs = zip(result.rounds, base.rounds, strict=False)
    return statistics.median(mine.seconds / other.seconds for mine, other in pairs)
