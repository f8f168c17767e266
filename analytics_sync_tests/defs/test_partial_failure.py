"""Partial failures: resources that succeed are materialized, and the failure names the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckKey,
    AssetKey,
    AssetSelection,
    DagsterInstance,
    Definitions,
    LoggerDefinition,
    define_asset_job,
)

from analytics_sync.common.stopping import Stop
from analytics_sync.defs.build import build_definitions
from analytics_sync.sandbox import Fault, Request, ServedResponse
from analytics_sync_tests.support.dagster_runs import metadata, step_failure
from analytics_sync_tests.support.file_holder import held
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.world import World

OBSERVABILITY = ["users", "monitors", "incidents", "dashboards"]


def broken(*names: str, status: int = 403) -> Callable[[Request], Fault | None]:
    """A fault for the requests of some resources."""

    def fault(request: Request) -> Fault | None:
        if request.resource in names:
            return Fault(response=ServedResponse(status, b'{"errors":["not you"]}'))
        return None

    return fault


def test_one_failing_resource_leaves_the_others_loaded(world: World) -> None:
    world.sandbox.faults = broken("monitors")
    result = world.run([f"observability/{name}" for name in OBSERVABILITY], *world.days[::2])
    assert not result.success
    assert metadata(result).keys() == {"users", "incidents", "dashboards"}
    first_line = step_failure(result).description.splitlines()[0]
    for part in (
        "1 of 4 resources of observability",
        "observability/monitors",
        "403",
        "not you",
        "key",
    ):
        assert part in first_line
    assert "sandbox" not in first_line.replace("/v1/monitor", ""), "no secret in the message"
    users = world.sources["observability"].resources["users"]
    assert_same(users, world.table("observability/users"), world.expected("observability/users"))


def test_the_failure_says_how_many_are_loaded(world: World) -> None:
    world.sandbox.faults = broken("monitors", "users")
    for names, said in (
        (["monitors", "users"], "2 of 2 resources of observability failed; none is loaded. "),
        (
            ["monitors", "dashboards"],
            "1 of 2 resources of observability failed; the other is loaded. ",
        ),
    ):
        result = world.run([f"observability/{name}" for name in names])
        assert step_failure(result).description.startswith(said)


@pytest.fixture
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries that follow each other at once."""
    monkeypatch.setattr(Stop, "wait", lambda stop, _: stop.check())


@pytest.mark.usefixtures("_no_waits")
def test_the_failure_holds_a_message_for_each_failed_resource(world: World) -> None:
    world.sandbox.faults = broken("monitors", "users", status=500)
    result = world.run([f"observability/{name}" for name in OBSERVABILITY], world.days[0])
    data = step_failure(result)
    assert set(data.metadata) == {"monitors", "users", "kinds_of_errors"}
    assert "also failed: monitors" in data.description or "also failed: users" in data.description


def test_a_failed_resource_keeps_its_table(world: World) -> None:
    asset = "observability/monitors"
    assert world.run([asset]).success
    before = world.table(asset)
    world.sandbox.faults = broken("monitors", status=404)
    assert not world.run([asset]).success
    assert world.table(asset) == before
    world.sandbox.faults = None
    assert world.run([asset]).success


def test_half_a_read_is_not_loaded(world: World) -> None:
    asset = "observability/users"
    assert world.run([asset]).success
    before = world.table(asset)
    world.sandbox.advance()
    seen = 0

    def on_the_second_page(request: Request) -> Fault | None:
        nonlocal seen
        seen += request.resource == "users"
        return Fault(response=ServedResponse(200, b"null")) if seen == 2 else None

    world.sandbox.faults = on_the_second_page
    assert not world.run([asset]).success
    assert world.table(asset) == before


def test_a_child_that_is_gone_is_skipped_and_counted(world: World) -> None:
    gone = 0

    def one_job(request: Request) -> Fault | None:
        nonlocal gone
        if request.resource == "jobs" and gone == 0:
            gone = 1
            return Fault(response=ServedResponse(404, b'{"message":"expired"}'))
        return None

    world.sandbox.faults = one_job
    result = world.run(["ci_pipelines/jobs"], world.days[0], world.days[-1])
    assert result.success
    assert metadata(result)["jobs"]["run_children_skipped"] == 1
    expected = world.expected("ci_pipelines/jobs", world.start, world.end)
    assert len(world.table("ci_pipelines/jobs")) == len(expected) - 1
    warnings = [e.user_message for e in _logs(world, result.run_id) if e.level == 30]
    assert any("1 children skipped" in w and "404" in w for w in warnings)


def test_a_grandchild_warns_of_children_that_its_ancestor_lacks(world: World) -> None:
    refused: set[str] = set()

    def one_workflow(request: Request) -> Fault | None:
        if request.resource == "workflow_jobs" and refused <= {request.path}:
            refused.add(request.path)
            return Fault(response=ServedResponse(403, b'{"message":"not for you"}'))
        return None

    world.sandbox.faults = one_workflow
    assert world.run(["ci_pipelines/jobs"], world.days[0], world.days[-1]).success
    result = world.run(["ci_pipelines/jobs"], world.days[0], world.days[-1])
    assert metadata(result)["jobs"]["run_children_refused_of_ancestors"] == 1
    warnings = [e.user_message for e in _logs(world, result.run_id) if e.level == 30]
    assert any("the parent workflow_jobs lacks records" in warning for warning in warnings)


def test_all_children_gone_is_a_failure(world: World) -> None:
    world.sandbox.faults = broken("jobs", status=404)
    result = world.run(["ci_pipelines/jobs"], world.days[0])
    assert not result.success


def test_a_failed_parent_fails_its_children_by_name(world: World) -> None:
    world.sandbox.faults = broken("workflow")
    names = ["pipelines", "workflow", "workflow_jobs", "jobs", "me"]
    result = world.run([f"ci_pipelines/{name}" for name in names], world.days[0])
    assert metadata(result).keys() == {"pipelines", "me"}
    jobs = step_failure(result).metadata["jobs"].value
    assert (
        "its parent workflow_jobs could not be read: its parent workflow could not be read" in jobs
    )


def test_without_base_url_the_failure_names_setting_and_sandbox(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCES__DELIVERY__BASE_URL")
    before = world.sandbox.requests
    result = world.run(["delivery/agents"])
    first_line = step_failure(result).description.splitlines()[0]
    assert "SOURCES__DELIVERY__BASE_URL" in first_line
    assert "sandbox" in first_line
    assert world.sandbox.requests == before


@pytest.mark.usefixtures("_no_waits")
def test_an_unreachable_api_is_reported_by_address(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__DELIVERY__BASE_URL", "http://127.0.0.1:9")
    result = world.run(["delivery/agents"])
    first_line = step_failure(result).description.splitlines()[0]
    assert "delivery/agents: GET http://127.0.0.1:9/agents failed 4 times" in first_line
    assert "refused" in first_line
    assert "object at 0x" not in first_line


def test_a_warehouse_that_cannot_be_opened_is_reported_by_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.warehouse.write_text(
        "this is not a database, it is a text of more than a few bytes " * 99
    )
    result = world.run(["delivery/agents"])
    first_line = step_failure(result).description.splitlines()[0]
    assert first_line.startswith("delivery: the load step failed")
    assert "warehouse.duckdb" in first_line


def _logs(world: World, run_id: str) -> list[object]:
    from dagster import DagsterInstance

    with DagsterInstance.from_config(str(world.home)) as instance:
        return list(instance.all_logs(run_id))


def verdicts(result: Any) -> dict[str, set[str]]:
    """The checks of each asset that gave a verdict in a run, all of which must have passed."""
    found: dict[str, set[str]] = {}
    for evaluation in result.get_asset_check_evaluations():
        assert evaluation.passed, evaluation.description
        found.setdefault(evaluation.asset_key.path[-1], set()).add(evaluation.check_name)
    return found


SIX = {
    "required_fields",
    "primary_key_unique",
    "complete",
    "declared_schema",
    "history",
    "freshness",
}


def test_the_checks_of_what_was_loaded_give_their_verdict(world: World) -> None:
    world.sandbox.faults = broken("monitors")
    result = world.run([f"observability/{name}" for name in OBSERVABILITY], *world.days[::2])
    assert not result.success
    assert verdicts(result) == {"users": SIX, "dashboards": SIX, "incidents": {*SIX, "volume"}}
    with DagsterInstance.from_config(str(world.home)) as instance:
        for name, passed in (("users", True), ("monitors", False)):
            key = AssetCheckKey(AssetKey(["observability", name]), "complete")
            (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
            assert (record.status.value == "SUCCEEDED") == passed
            assert record.run_id == result.run_id


@pytest.mark.slow
def test_the_children_of_a_failed_parent_get_no_verdict(world: World) -> None:
    world.sandbox.faults = broken("surveys")
    names = ["surveys", "survey_responses", "segments"]
    result = world.run([f"product_guidance/{name}" for name in names], *world.days[::2])
    assert not result.success
    assert verdicts(result).keys() == {"segments"}


@pytest.mark.slow
def test_only_planned_checks_are_run(world: World) -> None:
    """Without its checks, a run of assets gives no verdict."""
    world.sandbox.faults = broken("monitors")
    defs = build_definitions(world.sources)
    names = ("monitors", "users")
    selection = AssetSelection.assets(*(["observability", n] for n in names)).without_checks()
    job = define_asset_job("unchecked", selection)
    defs = Definitions.merge(defs, Definitions(jobs=[job]))
    with DagsterInstance.from_config(str(world.home)) as instance:
        result = defs.resolve_job_def("unchecked").execute_in_process(
            instance=instance, raise_on_error=False
        )
    assert not result.success
    assert verdicts(result) == {}
    assert world.table("observability/users")


class _Holds(logging.Handler):
    """Opens the warehouse in another program as soon as an asset is materialized, and keeps the messages."""

    def __init__(self, file: Path, until: ExitStack) -> None:
        super().__init__()
        self.messages: list[str] = []
        self._file, self._until, self._is_open = file, until, False

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
        if "ASSET_MATERIALIZATION - " in record.getMessage() and not self._is_open:
            self._is_open = True
            self._until.enter_context(held(self._file, read_only=False))


def test_checks_that_cannot_run_are_named_in_a_warning(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure of the resources stays the message of the run."""
    monkeypatch.setenv("ANALYTICS_SYNC__WAIT_FOR_WAREHOUSE", "0")
    world.sandbox.faults = broken("monitors")
    with ExitStack() as until:
        handler = _Holds(world.warehouse, until)
        kept = logging.Logger("kept")
        kept.addHandler(handler)
        loggers = {"kept": LoggerDefinition(lambda _: kept)}
        defs = Definitions.merge(build_definitions(world.sources), Definitions(loggers=loggers))
        with DagsterInstance.from_config(str(world.home)) as instance:
            result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
                instance=instance,
                asset_selection=[AssetKey(["observability", n]) for n in ("monitors", "users")],
                run_config={"loggers": {"kept": {}}},
                raise_on_error=False,
            )
    assert "1 of 2 resources of observability failed" in step_failure(result).description
    assert verdicts(result) == {}
    (warning,) = [m for m in handler.messages if "did not run" in m]
    said = "observability: the checks of what was loaded did not run: "
    assert said in warning
    assert "is in use by" in warning
    assert warning.endswith("Run them in the UI, or run again.")
    assert "\n" not in warning
