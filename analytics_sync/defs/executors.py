"""The engine that executes the steps of runs, as the settings choose it.

In: ``ANALYTICS_SYNC__EXECUTOR``, the key ``executor`` of a source, and the settings of the engine. Out: an
executor of Dagster, and the policy of backfills. The packages of Celery and Kubernetes are imported only where a setting names them.
"""

from __future__ import annotations

import os
from typing import Any, get_args

import dlt
from dagster import (
    BackfillPolicy,
    ExecutorDefinition,
    in_process_executor,
    multiprocess_executor,
)

from analytics_sync.catalog.config.team_keys import ExecutorKind
from analytics_sync.catalog.errors import WrongSetting

EXECUTOR = "ANALYTICS_SYNC__EXECUTOR"
PROCESSES = "ANALYTICS_SYNC__EXECUTOR_PROCESSES"
BROKER = "ANALYTICS_SYNC__CELERY_BROKER"
PARTITIONS_PER_RUN = "ANALYTICS_SYNC__PARTITIONS_PER_RUN"
_MAX_PROCESSES = 64
_MAX_PARTITIONS = 10_000


def configured_executor() -> ExecutorDefinition:
    """The executor of all jobs that have none of their own.

    Without a setting, the steps of a run share one process: a run has few steps, and a process for each costs
    more than it saves. Runs are parallel anyway.

    Raises:
        WrongSetting: The word is unknown, a package is missing, or a setting of the engine is.
    """
    return executor_of(_text(EXECUTOR) or "in_process", EXECUTOR)


def executor_of(kind: str, place: str) -> ExecutorDefinition:
    """The executor of this kind.

    Args:
        kind: One of the kinds of executors.
        place: The setting, or the key of a file, that names it.

    Raises:
        WrongSetting: The word is unknown, a package is missing, or a setting of the engine is.
    """
    match kind:
        case "in_process":
            return in_process_executor
        case "multiprocess":
            count = _number(PROCESSES, _MAX_PROCESSES)
            limits: dict[str, Any] = {} if count is None else {"max_concurrent": count}
            return multiprocess_executor.configured(limits, name="multiprocess")
        case "celery":
            return _celery(place)
        case "kubernetes":
            return _kubernetes(place)
        case _:
            kinds = ", ".join(get_args(ExecutorKind))
            raise WrongSetting(f"{place} is {kind!r}; expected one of {kinds}")


def backfill_policy() -> BackfillPolicy:
    """How many partitions of a backfill one run reads: all of them, unless a setting says a number.

    Raises:
        WrongSetting: The setting is no such number.
    """
    count = _number(PARTITIONS_PER_RUN, _MAX_PARTITIONS)
    return BackfillPolicy.single_run() if count is None else BackfillPolicy.multi_run(count)


def _celery(place: str) -> ExecutorDefinition:
    try:
        from dagster_celery import celery_executor
    except ImportError:
        raise _missing(place, "celery", "dagster-celery") from None
    if not os.environ.get(BROKER, "").strip():
        raise WrongSetting(
            f"{place} is 'celery', and {BROKER} is missing: set this environment variable to the "
            "address of the broker, such as redis://HOST:6379/1"
        )
    # The name of the variable and not its value: Dagster stores and shows the config of an executor.
    broker = {"env": BROKER}
    config = {"broker": broker, "backend": broker}
    executor: ExecutorDefinition = celery_executor.configured(config, name="celery")
    return executor


def _kubernetes(place: str) -> ExecutorDefinition:
    try:
        from dagster_k8s import k8s_job_executor
    except ImportError:
        raise _missing(place, "kubernetes", "dagster-k8s") from None
    executor: ExecutorDefinition = k8s_job_executor
    return executor


def _missing(place: str, extra: str, package: str) -> WrongSetting:
    return WrongSetting(
        f"{place} is {extra!r}, which needs the package {package}: run pip install "
        f"'analytics_sync[{extra}]', or remove the setting"
    )


def _number(variable: str, limit: int) -> int | None:
    """The value of a setting; None if it is not set.

    Raises:
        WrongSetting: It is no whole number from 1 to the limit.
    """
    text = _text(variable)
    if not text:
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text) <= limit:
        return int(text)
    raise WrongSetting(f"{variable} is {text!r}; expected a whole number from 1 to {limit:,}")


def _text(variable: str) -> str:
    name = variable.lower().replace("__", ".", 1)
    return str(dlt.config.get(name, str) or dlt.secrets.get(name, str) or "").strip()
