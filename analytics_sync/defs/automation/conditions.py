"""The automation conditions: declarative automation, in place of a schedule.

In: a source whose ``automation`` is ``conditions``. Out: a condition for each of its assets, and the sensor
that evaluates them, off until somebody switches it on. The conditions request what a schedule would
request, by the same rules; what was never read, at once; and children after their parents.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dagster import (
    AssetKey,
    AutomationCondition,
    AutomationConditionSensorDefinition,
    AutomationContext,
    AutomationResult,
    BetaWarning,
    DefaultSensorStatus,
    TimeWindowPartitionsDefinition,
    partition_loading_context,
)

from analytics_sync.catalog import Resource, Source
from analytics_sync.defs.automation.jobs import assets_of
from analytics_sync.defs.automation.missed_partitions import MissedPartitions, Rules, rules_of
from analytics_sync.defs.automation.schedules import catch_up_limits
from analytics_sync.defs.history.run_tags import SOURCE_TAG
from analytics_sync.defs.partitions.past_partitions import past_partitions
from analytics_sync.defs.partitions.planned import Planned
from analytics_sync.defs.specs.translator import asset_key


def conditions(planned: Planned) -> Mapping[AssetKey, AutomationCondition[Any]]:
    """The condition of each asset of a source; none if a schedule starts its runs.

    Raises:
        ValueError: A setting of the catch-up is no number that it can be.
    """
    source, plan = planned.source, planned.plan
    if plan.automation != "conditions":
        return {}
    days, _ = catch_up_limits()
    rules = rules_of(source)
    tick = AutomationCondition.cron_tick_passed(plan.schedule, plan.time_zone)
    due = tick | AutomationCondition.initial_evaluation()
    found: dict[AssetKey, AutomationCondition[Any]] = {}
    for resource in source.assets:
        key = asset_key(resource)
        found[key] = _condition(source, resource, due, rules.get(key), days)
    return found


def conditions_sensor(planned: Planned) -> AutomationConditionSensorDefinition:
    """The sensor ``conditions_<source>``, which evaluates the conditions of a source.

    It runs in the code server, because the conditions look at the history by rules of ours. Each partition
    is a run of its own, so that one that fails again holds up no other.
    """
    name = planned.source.name
    with warnings.catch_warnings():
        # the version of Dagster is pinned, and a person can do nothing about it
        warnings.simplefilter("ignore", BetaWarning)
        return AutomationConditionSensorDefinition(
            f"conditions_{name}",
            target=assets_of(planned),
            run_tags={SOURCE_TAG: name},
            default_status=DefaultSensorStatus.STOPPED,
            description=(
                f"At {planned.plan.schedule!r} in {planned.plan.time_zone}: what the assets of {name} lack, "
                "and the snapshots. At once: what was never read, and children of parents that were read "
                "alone."
            ),
            emit_backfills=False,
            use_user_code_server=True,
        )


def _condition(
    source: Source,
    resource: Resource,
    due: AutomationCondition[Any],
    rules: Rules | None,
    days: int,
) -> AutomationCondition[Any]:
    """The condition of one asset. Without rules it is a snapshot."""
    idle = ~AutomationCondition.in_progress()
    if rules is None:
        on_cron = (due & idle).with_label("on cron")
        missing = AutomationCondition.newly_missing()
    else:
        # A run that ended without a word stays in progress: the partitions to read know better.
        idle_backfill = ~AutomationCondition.backfill_in_progress()
        on_cron = (due & PartitionsToRead(rules, days) & idle_backfill).with_label("on cron")
        over = PartitionsThatAreOver(rules, days)
        missing = (over & AutomationCondition.missing()).newly_true()
    found = on_cron | (missing & idle).with_label("on missing")
    if _follows_its_parent(source, resource):
        after = AutomationCondition.any_deps_updated() & idle
        found |= (after & ~AutomationCondition.any_deps_in_progress()).with_label(
            "after its parent"
        )
    return found.with_label("lacks data")


def _follows_its_parent(source: Source, resource: Resource) -> bool:
    """Whether the nearest ancestor with an asset has the same partitions, or also none.

    A snapshot that is read each night has news for each window of its children: they would be read again
    from the first day on.
    """
    parent = next((a for a in source.ancestors(resource) if a.selected), None)
    return parent is not None and source.windowed(parent) == source.windowed(resource)


class _Partitions(AutomationCondition[AssetKey]):
    """Some partitions of the last days.

    Args:
        rules: When the records of the asset are there.
        days: How many days back.
    """

    def __init__(self, rules: Rules, days: int) -> None:
        self._rules = rules
        self._days = days

    def evaluate(self, context: AutomationContext[AssetKey]) -> AutomationResult[AssetKey]:
        """The partitions among the candidates."""
        definition, view = context.partitions_def, context.asset_graph_view
        if context.candidate_subset.is_empty or definition is None:
            return AutomationResult(context, context.get_empty_subset())
        assert isinstance(definition, TimeWindowPartitionsDefinition)
        with partition_loading_context(context.evaluation_time, view.instance):
            keys = self._keys(context, definition)
            found = view.get_subset_from_partition_keys(context.key, definition, keys)
            return AutomationResult(context, context.candidate_subset.compute_intersection(found))

    @abstractmethod
    def _keys(
        self, context: AutomationContext[AssetKey], definition: TimeWindowPartitionsDefinition
    ) -> set[str]:
        """The keys of the partitions."""


class PartitionsToRead(_Partitions):
    """The partitions that a night of a schedule reads: see ``MissedPartitions``."""

    @property
    def name(self) -> str:
        """The name, with all that the condition depends on."""
        return f"partitions_to_read({_lengths(self._rules)}days={self._days})"

    @property
    def description(self) -> str:
        """The condition in words."""
        return (
            f"A partition of the last {self._days} days is over, and it is missing, its run failed, it was "
            "read too early, or the lookback reaches it"
        )

    def _keys(
        self, context: AutomationContext[AssetKey], definition: TimeWindowPartitionsDefinition
    ) -> set[str]:
        instance = context.asset_graph_view.instance
        missed = MissedPartitions(instance, definition, context.evaluation_time, self._days)
        return missed.of_asset(context.key, self._rules)


class PartitionsThatAreOver(_Partitions):
    """The partitions of the last days that are over, except the newest one, which waits for the cron."""

    @property
    def name(self) -> str:
        """The name, with all that the condition depends on."""
        return f"partitions_that_are_over({_lengths(self._rules)}days={self._days})"

    @property
    def description(self) -> str:
        """The condition in words."""
        return f"The partition is over, of the last {self._days} days, and not the newest one"

    def _keys(
        self, context: AutomationContext[AssetKey], definition: TimeWindowPartitionsDefinition
    ) -> set[str]:
        until = context.evaluation_time - self._rules.delay
        over = past_partitions(definition, until - timedelta(days=self._days), until)
        return {p.key for p in over[:-1]}


def _lengths(rules: Rules) -> str:
    given = {"delay": rules.delay, "lookback": rules.lookback}
    return "".join(f"{name}={length}, " for name, length in given.items() if length)
