"""Measurement of contenders, one after another, each in a process of its own.

In: contenders and the job they share. Out: a result for each contender: seconds without imports,
rows, peak memory, requests, the contender's own figures, and its ratio to others of the same round.
A contender that cannot run has the reason instead.
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

from benchmarks.harness.peers import NotInstalled, peer_python
from benchmarks.workload.job import Job

ROOT = Path(__file__).parents[2]
LIMIT = "limit"
OURS = "ours"
_TIMEOUT_SECONDS = 1800


@dataclass(frozen=True)
class Contender:
    """A tool, or a way of using it, that does the work.

    Attributes:
        name: Printed name.
        module: Name of its module in ``benchmarks.contenders``.
        options: Options that are added to its job.
        peer: Name of the peer whose virtualenv it runs in; None means this virtualenv.
        rounds: Upper limit of its rounds, for a contender that takes minutes; None means no limit.
    """

    name: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    peer: str | None = None
    rounds: int | None = None


@dataclass(frozen=True)
class Round:
    """Figures of one contender in one round."""

    seconds: float
    rows: int
    peak_mb: float
    requests: int | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Result:
    """Figures of one contender in all rounds; ``results.json`` has the attributes as keys.

    Attributes:
        way: Name of the contender.
        rounds: Rounds in the order they ran.
        seconds: Median.
        ratios: Name of a baseline -> median of the ratios to it within each round.
        peak_mb: Highest resident set; for two processes, the sum of their highest.
        requests: Median, if requests are counted.
        figures: Medians of the other figures, by printed name.
        size: Size of this point of a curve.
        missing: Reason why the contender cannot run here.
        failed: Reason why the contender failed.
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
    contenders: Sequence[Contender],
    job: Job,
    rounds: int,
    venvs: Path | None,
    log: Callable[[str], None],
    *,
    baselines: Sequence[str] = (LIMIT, OURS),
    count_requests: Callable[[], int] | None = None,
) -> list[Result]:
    """Run all contenders once, then all again, so that a disturbance affects each of them.

    Args:
        contenders: Contenders in the order they run.
        job: Job that all of them do.
        rounds: Number of rounds, unless a contender has its own limit.
        venvs: Folder of the peers' virtualenvs; None leaves peers out.
        log: Function that takes one line about the progress.
        baselines: Names of the contenders that all are compared with.
        count_requests: Returns the server's number of requests so far; None counts none.
    """
    results = {contender.name: Result(contender.name) for contender in contenders}
    for number in range(rounds):
        for contender in contenders:
            result = results[contender.name]
            if result.missing or result.failed or (contender.rounds or rounds) <= number:
                continue
            try:
                before = count_requests() if count_requests else 0
                done = _run_once(contender, job, venvs)
                if count_requests:
                    done = dataclasses.replace(done, requests=count_requests() - before)
            except NotInstalled as e:
                result.missing = str(e)
                log(f"  {contender.name}: {result.missing}")
            except RuntimeError as e:
                result.failed = str(e)
                log(f"  {contender.name}: failed: {e}")
            else:
                result.rounds.append(done)
                log(f"  {number + 1}/{rounds} {contender.name}: {done.seconds:.2f} s")
    for result in results.values():
        summarize(result, results, baselines)
    return list(results.values())


def _run_once(contender: Contender, job: Job, venvs: Path | None) -> Round:
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        return run_in_folder(folder, contender, job, venvs)


def run_in_folder(folder: str, contender: Contender, job: Job, venvs: Path | None) -> Round:
    """Run the contender once, in a folder that may hold files of earlier runs.

    Raises:
        NotInstalled: The contender's packages are not installed.
        RuntimeError: The contender failed or timed out.
    """
    python = Path(sys.executable)
    if contender.peer is not None:
        if venvs is None:
            raise NotInstalled("left out, as all peers")
        python = peer_python(contender.peer, venvs)
    job = dataclasses.replace(job, folder=folder, options={**job.options, **contender.options})
    os.sync()  # Otherwise this contender would wait for the writes of the previous one.
    try:
        done = subprocess.run(
            [python, "-m", "benchmarks.contenders", contender.module, job.to_json()],
            cwd=folder,
            env=_environment(folder),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not done after {_TIMEOUT_SECONDS} s") from None
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or str(done.returncode)).splitlines()[-1])
    return Round(**json.loads(done.stdout.splitlines()[-1]))


def _environment(folder: str) -> dict[str, str]:
    """Environment variables of a contender: none of the user's settings."""
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
    result: Result, results: Mapping[str, Result], baselines: Sequence[str] = (LIMIT, OURS)
) -> None:
    """Compute the medians, the peak and the ratios of a result from its rounds.

    Args:
        result: Result to complete.
        results: Results of all contenders, by name.
        baselines: Names of the contenders to compare with; a name without a result is skipped.
    """
    if not result.rounds:
        return
    result.seconds = statistics.median(r.seconds for r in result.rounds)
    result.peak_mb = max(r.peak_mb for r in result.rounds)
    if all(r.requests is not None for r in result.rounds):
        result.requests = round(statistics.median(r.requests or 0 for r in result.rounds))
    for name in result.rounds[0].figures:
        result.figures[name] = statistics.median(r.figures[name] for r in result.rounds)
    for baseline in baselines:
        ratio = _ratio(result, results.get(baseline))
        if ratio is not None:
            result.ratios[baseline] = ratio


def _ratio(result: Result, baseline: Result | None) -> float | None:
    if baseline is None or not baseline.rounds:
        return None
    # Not strict: a contender with fewer rounds is compared within its own rounds.
    pairs = zip(result.rounds, baseline.rounds, strict=False)
    return statistics.median(mine.seconds / other.seconds for mine, other in pairs)
