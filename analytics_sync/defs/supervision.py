"""The supervision of a step: its work has a thread of its own, the step's thread speaks and takes signals.

In: the work of a step, and what it tells of its progress. Out: its result, and lines in Dagster's log. A
signal (cancel in the UI, Ctrl-C, SIGTERM) reaches only the first thread of a process, and only between two
steps of Python: a statement of the warehouse there would hold it back. This thread only waits, so that a
signal stops the work at once. The run then ends as canceled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

from dagster import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckSeverity,
    AssetExecutionContext,
    DagsterExecutionInterruptedError,
    DagsterRunStatus,
    Failure,
)

from analytics_sync.common.stopping import Stop
from analytics_sync.extract.progress import RunProgress

_T = TypeVar("_T")
_Context = AssetExecutionContext | AssetCheckExecutionContext

_interrupted: set[str] = set()  # ids of runs: their later steps in this process do not begin


def supervised(context: _Context, stop: Stop, progress: RunProgress, work: Callable[[], _T]) -> _T:
    """The result of ``work``, which runs in a thread of its own.

    Args:
        context: Of the step; its log gets the lines of the progress.
        stop: Ends the work when a signal comes.
        progress: What the work tells.
        work: Reads, loads or judges.
    """
    done: Future[_T] = Future()

    def work_and_end() -> None:
        try:
            done.set_result(work())
        except BaseException as e:
            done.set_exception(e)
        finally:
            progress.close()

    thread = threading.Thread(target=work_and_end, name="work", daemon=True)
    try:
        thread.start()
        for line in progress.lines():
            context.log.info(line)
    except BaseException:
        stop.end(thread)
        raise
    return done.result()


def is_interrupted(context: _Context) -> bool:
    """Whether a signal has ended an earlier step of this run."""
    return context.run.run_id in _interrupted


def canceled(context: _Context, step: str) -> Failure:
    """The end of a step that a signal has interrupted; the run ends as canceled.

    Dagster would take a signal without a request to cancel for a failure. So it does if it is set to
    repeat such runs: a machine that is shut down sends the same signal.
    """
    run, instance = context.run, context.instance
    _interrupted.add(run.run_id)
    record = instance.get_run_by_id(run.run_id)
    repeats = instance.run_retries_enabled or instance.run_will_resume(run.run_id)
    if record and record.status == DagsterRunStatus.STARTED and not repeats:
        instance.report_run_canceling(run, f"A signal to its process cancels the run ({step}).")
    return Failure(
        f"{step}: canceled. Nothing of this step was loaded in part, and the next run uses the "
        "pages of long reads again. To read what is missing, run it again.",
        allow_retries=False,
    )


def supervised_checks(
    context: AssetCheckExecutionContext,
    source: str,
    judge: Callable[[Stop], Iterable[AssetCheckEvaluation]],
) -> list[AssetCheckEvaluation]:
    """The results of checks, which are judged in a thread of their own. A failed one is logged.

    Args:
        context: Of the step.
        source: Name of the source.
        judge: Gives the results, until the flag is set.
    """
    if is_interrupted(context):
        return []
    stop = Stop()
    try:
        found = supervised(context, stop, RunProgress(), lambda: list(judge(stop)))
    except (KeyboardInterrupt, DagsterExecutionInterruptedError):
        raise canceled(context, f"{source}_checks") from None
    for check in found:
        if not check.passed:
            is_error = check.severity == AssetCheckSeverity.ERROR
            name = "/".join(check.asset_key.path)
            said = f"{name}: the check {check.check_name} failed: {check.description}"
            context.log.log("ERROR" if is_error else "WARNING", said)
    return found
