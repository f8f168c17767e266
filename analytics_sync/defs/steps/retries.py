"""The retry policy: which failures of a step are worth another attempt, and when it begins.

In: the errors of a step, and the retries of its source. Out: the request for a retry. An outage, a rate
limit and a warehouse in use pass; a missing setting, a refused key and a wrong declaration do not. A person
who has started the run sees the failure at once. The step itself waits for the next attempt: Dagster's own
wait between two attempts takes no signal.
"""

from __future__ import annotations

from collections.abc import Iterable

import dlt
from dagster import (
    AssetExecutionContext,
    AssetKey,
    DagsterEventType,
    DagsterExecutionInterruptedError,
    Failure,
    RetryRequested,
)

from analytics_sync.catalog.errors import WrongSetting
from analytics_sync.common.errors import ConnectionFailed, HttpStatusError
from analytics_sync.common.stopping import Stop
from analytics_sync.defs.history.run_tags import is_unattended

_DEFAULT_SECONDS = 60
_MAX_SECONDS = 3600
_SETTING = "retry_seconds"
_VARIABLE = f"ANALYTICS_SYNC__{_SETTING.upper()}"
_PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


def retry_seconds() -> int:
    """How long a run waits before its first retry. Each later one waits twice as long.

    Raises:
        WrongSetting: The setting is no number that it can be.
    """
    text = str(dlt.config.get(f"analytics_sync.{_SETTING}", str) or _DEFAULT_SECONDS)
    if not text.isdecimal() or int(text) > _MAX_SECONDS:
        raise WrongSetting(
            f"{_VARIABLE} is {text!r}; expected a whole number from 0 to {_MAX_SECONDS}, such as "
            f"{_DEFAULT_SECONDS}"
        )
    return int(text)


def may_pass(error: BaseException) -> bool:
    """Whether the cause of an error may be gone in a few minutes."""
    from analytics_sync.load.errors import WarehouseInUse, causes  # imported by a run only

    return any(
        isinstance(cause, ConnectionFailed | WarehouseInUse)
        or (isinstance(cause, HttpStatusError) and cause.status in _PASSING_STATUSES)
        for cause in causes(error)
    )


def retry_of(
    context: AssetExecutionContext,
    errors: Iterable[BaseException],
    failure: Failure,
    max_retries: int,
) -> RetryRequested | Failure:
    """What to raise for a failed step: the request for a retry, or its failure.

    Returns after the wait before the retry. A signal ends the wait, and cancels the run.

    Args:
        context: The context of the step.
        errors: The errors of its resources, or of the load.
        failure: The failure that names them.
        max_retries: The retries of the source.
    """
    number = context.retry_number
    if not is_unattended(context) or number >= max_retries or not any(map(may_pass, errors)):
        return failure
    seconds = retry_seconds() * 2**number
    context.log.warning(
        f"{failure.description} What failed is read again in {seconds} s, as retry {number + 1} of "
        f"{max_retries}."
    )
    return _after(seconds, context) or RetryRequested(max_retries=max_retries)


def _after(seconds: float, context: AssetExecutionContext) -> Failure | None:
    """Wait. The failure of a step that a signal has interrupted meanwhile; None without one."""
    from analytics_sync.defs.supervision import canceled, supervised  # imported by a run only
    from analytics_sync.extract.progress import RunProgress

    stop = Stop()
    try:
        supervised(context, stop, RunProgress(), lambda: stop.wait(seconds))
    except (KeyboardInterrupt, DagsterExecutionInterruptedError):
        return canceled(context, context.op.name)
    return None


def done_before(context: AssetExecutionContext) -> set[AssetKey]:
    """The assets that earlier attempts of this run have materialized."""
    if context.retry_number == 0:
        return set()
    entries = context.instance.all_logs(
        context.run.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION
    )
    return {
        entry.asset_materialization.asset_key
        for entry in entries
        if entry.asset_materialization is not None
    }
