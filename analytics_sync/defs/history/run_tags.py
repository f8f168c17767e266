"""The tags of a run: which source it reads, of which account, and which attempt it is.

In: the context of a step, and the accounts of its resources. Out: tags of the run, however it was started:
by a schedule, a sensor, a condition, a backfill or by hand. A run that reads several sources names all of
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dagster import AssetExecutionContext

from analytics_sync.catalog import Resource

if TYPE_CHECKING:
    from analytics_sync.extract.rest_client.account import Account

SOURCE_TAG = "analytics_sync/source"
ACCOUNT_TAG = "analytics_sync/account"
ATTEMPT_TAG = "analytics_sync/attempt"
MODE_TAG = "analytics_sync/mode"
_SEPARATOR = ", "
_MAX_ATTEMPTS = 100  # that are counted
_MAX_LENGTH = 300  # of a value

# Nobody waits for such a run: the daemon has started it.
_UNATTENDED = (
    "dagster/schedule_name",
    "dagster/sensor_name",
    "dagster/backfill",
    "dagster/from_automation_condition",
    "dagster/auto_materialize",
)


def is_unattended(context: AssetExecutionContext) -> bool:
    """Whether a schedule, a sensor, a condition or a backfill has started the run."""
    return any(tag in context.run.tags for tag in _UNATTENDED)


def attempt(context: AssetExecutionContext) -> int:
    """The number of this attempt, from 1: retries of the step, and runs of which this one is a retry."""
    number: int = 1 + context.retry_number
    run = context.run
    while run.parent_run_id is not None and number < _MAX_ATTEMPTS:
        parent = context.instance.get_run_by_id(run.parent_run_id)
        if parent is None:
            break
        number, run = number + 1, parent
    return number


def tag_run(context: AssetExecutionContext, source: str, mode: str) -> None:
    """Tag a run that begins to read a source.

    Args:
        context: The context of the step.
        source: Name of the source.
        mode: How the run reads, in words; empty for a usual run.
    """
    tags = {SOURCE_TAG: source, ATTEMPT_TAG: str(attempt(context))}
    _add(context, {**tags, MODE_TAG: mode} if mode else tags)


def tag_account(
    context: AssetExecutionContext, account: Account, resources: Iterable[Resource]
) -> None:
    """Tag a run with the account that it reads: the address, and the settings in paths. No secret.

    An address of this machine is shown without its port, which a sandbox or a tunnel gets anew each time.
    """
    from analytics_sync.extract.rest_client.account import ADDRESS  # imported by a run only

    found: dict[str, str] = {}
    for resource in resources:
        for name, part in account.parts(resource).items():
            if part.is_certain and not part.key:
                found[name] = part.value
    address = _shown_address(found.pop(ADDRESS, ""))
    text = " ".join([address, *(f"{name}={value}" for name, value in sorted(found.items()))])
    _add(context, {ACCOUNT_TAG: text[:_MAX_LENGTH]})


def _shown_address(address: str) -> str:
    from analytics_sync.extract.rest_client.urls import is_loopback_host  # imported by a run only

    parts = urlsplit(address)
    netloc = parts.netloc
    if is_loopback_host(parts.hostname or ""):
        netloc = netloc.removesuffix(f":{parts.port}")
    return f"{netloc}{parts.path}"


def _add(context: AssetExecutionContext, tags: Mapping[str, str]) -> None:
    """Add tags to the run. Values of several sources are joined."""
    run = context.instance.get_run_by_id(context.run.run_id)
    present = run.tags if run is not None else {}
    joined = {}
    for name, value in tags.items():
        values = [v for v in present.get(name, "").split(_SEPARATOR) if v]
        if name == ATTEMPT_TAG:
            values = [max([value, *values], key=int)]
        elif value not in values:
            values.append(value)
        joined[name] = _SEPARATOR.join(values)
    context.instance.add_run_tags(context.run.run_id, joined)
