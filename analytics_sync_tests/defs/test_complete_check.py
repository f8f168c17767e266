"""The check ``complete``: it compares the records read with the total that the API reported."""

from __future__ import annotations

from analytics_sync.sandbox import Fault, Request, ServedResponse
from analytics_sync_tests.support.dagster_runs import check_of, metadata
from analytics_sync_tests.support.world import World


def test_each_materialization_names_the_reason_why_the_read_ended(world: World) -> None:
    names = ["users", "dashboards", "monitors", "incident_teams", "audit_logs", "logs"]
    result = world.run([f"observability/{n}" for n in names], world.days[0], world.days[-1])
    assert result.success
    found = metadata(result)
    assert {name: found[name]["read_until"] for name in names} == {
        "users": "an empty page",
        "dashboards": "an empty page",
        "monitors": "one page",
        "incident_teams": "an empty page",
        "audit_logs": "no further cursor",
        "logs": "no further link",
    }
    assert found["users"]["records_expected"] == found["users"]["records_read"] == 30
    assert "records_expected" not in found["dashboards"]


def test_the_check_compares_expected_and_read(world: World) -> None:
    result = world.run(["customer_data/sources", "customer_data/labels"])
    checks = {(e.asset_key.path[-1], e.check_name): e for e in result.get_asset_check_evaluations()}
    assert checks["sources", "complete"].passed
    assert checks["sources", "complete"].metadata["expected"].value == 30
    assert checks["labels", "complete"].passed


def test_fewer_records_than_the_api_said_fail_the_check(world: World) -> None:
    body = b'{"data": {"sources": [{"id": "1"}], "pagination": {"totalEntries": 30}}}'

    def first_page_only(request: Request) -> Fault | None:
        return Fault(response=ServedResponse(200, body)) if request.resource == "sources" else None

    world.sandbox.faults = first_page_only
    result = world.run(["customer_data/sources"])
    check = check_of(result, "complete")
    assert not check.passed
    assert check.description == "The API said 30 records, and 1 were read: run again."
