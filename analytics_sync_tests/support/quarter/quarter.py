"""A simulated quarter: 90 days of the shop, with a run each night, and an owner who looks in once a week.

In: a seed and a folder. Out: every resource that was green although its table was wrong, in words.

A resource is green if its last run succeeded, if Dagster knows of each of its days, and if its checks of severity
ERROR passed. A check of a day stays red until a run of this day passes it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import pytest
from dagster import (
    AssetCheckSeverity,
    AssetKey,
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    RunRequest,
    build_schedule_context,
)

from analytics_sync.catalog import load_text
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.dagster_runs import make_dagster_home
from analytics_sync_tests.support.nights import RANGE
from analytics_sync_tests.support.quarter.declaration import TABLES, WINDOWED
from analytics_sync_tests.support.quarter.life import Life, Night
from analytics_sync_tests.support.quarter.oracle import Oracle
from analytics_sync_tests.support.quarter.shop_api import ShopApi

FIRST = date(2025, 7, 1)
DAYS = 90
_DAGSTER = """
telemetry: {enabled: false}
event_log_storage:
  module: analytics_sync.event_log
  class: KeptSqliteEventLogStorage
  config: {base_dir: history}
"""
_RUN = "run", None
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_READER = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=True); print(flush=True); time.sleep(0.7)"


@dataclass
class Quarter:
    """One simulation.

    Attributes:
        seed: Decides everything that happens.
        folder: For the warehouse.
        file: The DuckDB file.
        wrong: Resources that were green and wrong, with the day.
        greens: How many times a resource was green at the end of a week.
    """

    seed: int
    folder: Path
    patch: pytest.MonkeyPatch
    wrong: list[str] = field(default_factory=list)
    greens: int = 0

    def __post_init__(self) -> None:
        self.file = self.folder / "warehouse.duckdb"
        self.api = ShopApi()
        self.life = Life(Random(self.seed), self.api)
        self.oracle = Oracle(self.file)
        # resource -> the run, or a check and its day -> why it is not green
        self._alarms: dict[str, dict[tuple[str, str | None], str]] = {name: {} for name in TABLES}
        self._text, self._defs = "", Definitions()

    @cached_property
    def instance(self) -> DagsterInstance:
        """The Dagster instance of all nights."""
        home = make_dagster_home(self.folder / "dagster")
        (home / "dagster.yaml").write_text(_DAGSTER)
        return DagsterInstance.from_config(str(home))

    def run(self) -> None:
        """Simulate all days. The last week is calm, and everything must be right after it."""
        with self.api:
            settings = {
                "SOURCES__SHOP__BASE_URL": self.api.url,
                "DESTINATION__DUCKDB__CREDENTIALS": str(self.file),
                "ANALYTICS_SYNC__START_DATE": str(FIRST),
                "ANALYTICS_SYNC__JOURNAL_DIR": str(self.folder / "journal"),
                "ANALYTICS_SYNC__RETRY_SECONDS": "0",
            }
            for name, value in settings.items():
                self.patch.setenv(name, value)
            self.life.begin(FIRST)
            for number in range(DAYS):
                day = FIRST + timedelta(days=number)
                self.life.live(day)
                is_calm = number >= DAYS - 7
                if is_calm:
                    self.life.calm(day)
                else:
                    self.life.trouble(day)
                self._night(day, Night() if is_calm else self.life.night(day))
                if number % 7 == DAYS % 7 - 1 or number == DAYS - 1:
                    self._look_in(day, is_last=number == DAYS - 1)
            self.instance.dispose()

    def _night(self, day: date, night: Night) -> None:
        """The night after a day: the schedule starts its runs, if the machine is on."""
        if night.is_lost:
            self.file.unlink(missing_ok=True)
        if night.is_off:
            return
        defs = self._definitions()
        reader = self._reader() if night.has_reader and self.file.exists() else None
        for request in self._requests(defs, day):
            if night.is_killed:
                self._run_and_kill(defs, request)
            self._run(defs, request)
        if reader is not None:
            reader.wait()

    def _definitions(self) -> Definitions:
        text = self.life.declaration.text()
        if text != self._text:
            self._text, source = text, load_text(text, name="shop", file="shop.yaml")
            self._defs = build_definitions({"shop": source})
        return self._defs

    def _requests(self, defs: Definitions, day: date) -> list[RunRequest]:
        moment = datetime(day.year, day.month, day.day, 2, 15, tzinfo=UTC) + timedelta(days=1)
        repository = defs.get_repository_def()
        with build_schedule_context(
            instance=self.instance, scheduled_execution_time=moment, repository_def=repository
        ) as context:
            tick = repository.get_schedule_def("daily_shop").evaluate_tick(context)
        return list(tick.run_requests or ())

    def _execute(
        self, defs: Definitions, request: RunRequest, instance: DagsterInstance
    ) -> ExecuteInProcessResult:
        return defs.resolve_job_def("sync_shop").execute_in_process(
            instance=instance,
            partition_key=request.partition_key,
            tags=dict(request.tags),
            run_config={**(request.run_config or {}), **_QUIET},
            asset_selection=list(request.asset_selection) if request.asset_selection else None,
            raise_on_error=False,
        )

    def _run(self, defs: Definitions, request: RunRequest) -> None:
        first = request.tags.get(RANGE[0], request.partition_key)
        last = request.tags.get(RANGE[1], request.partition_key)
        result = self._execute(defs, request, self.instance)
        loaded = {
            e.step_materialization_data.materialization.asset_key.path[-1]
            for e in result.all_events
            if e.is_step_materialization
        }
        wanted = {k.path[-1] for k in request.asset_selection or [AssetKey(n) for n in TABLES]}
        for name in wanted - loaded:
            self._alarms[name][_RUN] = "its last run failed"
        for name in loaded & wanted:
            self._alarms[name].pop(_RUN, None)
            self.life.edited.pop(name, None)
            self.oracle.has_read(name, self.api.records, first, last)
        for event in result.all_events:
            if event.event_type_value != "ASSET_CHECK_EVALUATION":
                continue
            check = event.asset_check_evaluation_data
            alarms = self._alarms[check.asset_key.path[-1]]
            alarms.pop((check.check_name, check.partition), None)
            if not check.passed and check.severity == AssetCheckSeverity.ERROR:
                place = check.check_name, check.partition
                alarms[place] = f"{check.check_name}: {check.description}"

    def _run_and_kill(self, defs: Definitions, request: RunRequest) -> None:
        """Start the run in a process of its own, and kill it somewhere on its way."""
        seconds = self.life.random.random() * 0.6
        child = os.fork()
        if child == 0:
            try:
                self._execute(defs, request, DagsterInstance.ephemeral())
            finally:
                os._exit(0)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    def _reader(self) -> subprocess.Popen[str]:
        reader = subprocess.Popen(
            [sys.executable, "-c", _READER, str(self.file)], stdout=subprocess.PIPE, text=True
        )
        assert reader.stdout is not None
        reader.stdout.readline()
        return reader

    def _alarms_of(self, name: str, day: date) -> Iterator[str]:
        yield from self._alarms[name].values()
        if name in WINDOWED:
            known = self.instance.get_materialized_partitions(AssetKey(["shop", name]))
            days = {str(FIRST + timedelta(days=i)) for i in range((day - FIRST).days + 1)}
            if missing := days - known:
                yield f"{len(missing)} days are missing"

    def _look_in(self, day: date, *, is_last: bool) -> None:
        """Compare all tables, then do what an owner does about what is not green."""
        red = {}
        for name in TABLES:
            alarms = list(self._alarms_of(name, day))
            differences = self.oracle.differences(name, self.api.records[name])
            if alarms:
                red[name] = alarms
            else:
                self.greens += 1
            if differences and (is_last or not alarms):
                self.wrong.append(f"{day} {name}: {differences[:3]}; alarms: {alarms}")
        for name in red:
            if name in self.life.edited:
                self.life.undo(name, day)
        if red and not is_last:
            self._repair(sorted(red), day)

    def _repair(self, names: list[str], day: date) -> None:
        """Run all days of the resources that are not green again, in one run, as the messages say."""
        self.life.say(day, f"all days are run again: {', '.join(names)}")
        tags: dict[str, Any] = {RANGE[0]: str(FIRST), RANGE[1]: str(day)}
        keys = [AssetKey(["shop", name]) for name in names]
        # A message asks to look at the API first, and to say then that fewer rows are right.
        gone = [
            name
            for name in names
            if name not in self.api.trouble
            and any("accept_shrunken" in alarm for alarm in self._alarms[name].values())
        ]
        if gone:
            self.life.say(day, f"fewer rows are right: {', '.join(gone)}")
        config = {"ops": {"shop": {"config": {"accept_shrunken": gone}}}} if gone else {}
        request = RunRequest(tags=tags, asset_selection=keys, run_config=config)
        self._run(self._definitions(), request)
