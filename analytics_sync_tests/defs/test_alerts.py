"""The alerts: one message when something fails, one when it is well again, to each receiver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance

from analytics_sync.catalog import CatalogError
from analytics_sync.catalog.configured import BrokenFile
from analytics_sync_tests.support.alert_receivers import (
    WebReceiver,
    mail_receiver,
    web_receiver,
)
from analytics_sync_tests.support.alert_ticks import Alerts
from analytics_sync_tests.support.dagster_runs import make_dagster_home
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
URLS = "ANALYTICS_SYNC__ALERTS__URLS"
DAYS = [f"2025-01-0{n}" for n in range(1, 8)]
FORBIDDEN = (403, {}, {"error": "not yours"})
WINDOWED = item({"incremental": {"cursor_path": "at"}}, columns={"id": "bigint", "at": "timestamp"})


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        monkeypatch.setenv(URLS, f"{receiver.url}/the-secret-path")
        yield receiver


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    with DagsterInstance.from_config(str(make_dagster_home(tmp_path / "home"))) as found:
        yield found


@pytest.fixture
def alerts(api: Api, web: WebReceiver, instance: DagsterInstance) -> Alerts:
    """The sensors of a snapshot, which began to watch before the first run."""
    found = Alerts(instance, shop(item(), item(name="other")))
    found.tick("runs", is_first=True)
    found.tick("checks", is_first=True)
    return found


@pytest.fixture
def windowed(api: Api, web: WebReceiver, instance: DagsterInstance) -> Alerts:
    """The sensors of a windowed resource."""
    found = Alerts(instance, shop(WINDOWED))
    found.tick("runs", is_first=True)
    return found


def serve_day(path: str, query: Any, headers: Any) -> Any:
    return [{"id": n, "at": f"{day}T12:00:00Z"} for n, day in enumerate(DAYS)]


def test_an_incident_is_one_message_and_one_more_when_it_is_well_again(
    api: Api, alerts: Alerts, web: WebReceiver
) -> None:
    api.on("/items", FORBIDDEN)
    assert not alerts.run()
    assert alerts.tick() == "1 message sent."
    assert not alerts.run()
    assert alerts.tick() == "Nothing to tell."
    api.on("/items", [{"id": 1}])
    assert alerts.run()
    assert alerts.tick() == "1 message sent."
    assert web.titles == ["Failed: shop/items", "Well again: shop/items"]
    failed, well = web.documents
    assert failed["cause"].startswith("shop/items: ")
    assert "answered 403" in failed["cause"]
    assert failed["kind"] == "HttpStatusError 403"
    assert failed["resources"] == ["shop/items"]
    assert "Re-execute" in failed["next"]
    runs = [run.run_id for run in alerts.instance.get_runs()]  # from new to old
    assert failed["url"] == f"http://localhost:3000/runs/{runs[-1]}"
    assert well["url"] == f"http://localhost:3000/runs/{runs[0]}"
    assert well["since"] == failed["since"]


@pytest.mark.slow
def test_resources_that_fail_for_one_reason_share_a_message(
    api: Api, alerts: Alerts, web: WebReceiver
) -> None:
    api.on("/items", FORBIDDEN)
    api.on("/other", FORBIDDEN)
    alerts.run(of="items other")
    alerts.tick()
    assert web.titles == ["Failed: 2 resources of shop"]
    assert web.documents[0]["resources"] == ["shop/items", "shop/other"]
    api.on("/items", [{"id": 1}])
    alerts.run(of="items other")
    alerts.tick()
    assert web.titles[1:] == ["Well again: shop/items"]


@pytest.mark.slow
def test_another_cause_is_another_incident(api: Api, alerts: Alerts, web: WebReceiver) -> None:
    api.on("/items", FORBIDDEN)
    alerts.run()
    api.on("/items", (200, {"Content-Type": "text/html"}, "<html>"))
    alerts.run()
    alerts.tick()
    assert [d["kind"] for d in web.documents] == ["HttpStatusError 403", "InvalidResponse"]


@pytest.mark.slow
def test_a_missing_setting_is_told_of_the_whole_source(
    api: Api, alerts: Alerts, web: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = api.url
    monkeypatch.delenv("SOURCES__SHOP__BASE_URL")
    alerts.run()
    alerts.tick()
    assert web.titles == ["Failed: shop"]
    assert "SOURCES__SHOP__BASE_URL" in web.documents[0]["cause"]
    assert web.documents[0]["kind"] == "MissingSetting"
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", url)
    api.on("/items", [{"id": 1}])
    alerts.run()
    alerts.tick()
    assert web.titles[1:] == ["Well again: shop"]


@pytest.mark.slow
def test_a_backfill_is_one_message_until_all_its_days_are_read(
    api: Api, windowed: Alerts, web: WebReceiver
) -> None:
    api.on("/items", FORBIDDEN)
    for day in DAYS[:3]:
        windowed.run(day)
    windowed.tick()
    for day in DAYS[3:]:
        windowed.run(day)
    windowed.tick()
    assert web.titles == ["Failed: shop/items"]
    assert web.documents[0]["partitions"] == f"{DAYS[0]}...{DAYS[2]}"
    api.on("/items", serve_day)
    windowed.run(DAYS[1], DAYS[-1])
    windowed.tick()
    assert len(web.titles) == 1  # the first day is still missing
    windowed.run(DAYS[0])
    windowed.tick()
    assert web.titles[1:] == ["Well again: shop/items"]


def test_a_failed_check_is_told_though_its_run_succeeds(
    api: Api, alerts: Alerts, web: WebReceiver
) -> None:
    alerts.source = shop(item(columns={"id": "bigint", "name": "text"}, required=["name"]))
    api.on("/items", [{"id": 1, "name": None}])
    assert alerts.run()
    assert alerts.tick("runs") == "Nothing to tell."
    alerts.tick("checks")
    alerts.run()
    alerts.tick("checks")
    assert web.titles == ["Failed: check required_fields of shop/items"]
    failed = web.documents[0]
    assert failed["event"] == "check_failure"
    assert "name" in failed["cause"]
    assert "/assets/shop/items?view=checks" in failed["next"]
    api.on("/items", [{"id": 1, "name": "a"}])
    alerts.run()
    alerts.tick("checks")
    assert web.titles[1:] == ["Well again: check required_fields of shop/items"]


@pytest.mark.slow
def test_a_broken_catalog_file_is_told(alerts: Alerts, web: WebReceiver) -> None:
    alerts.broken = [BrokenFile("torn", "torn.yaml", CatalogError("no key", file="torn.yaml"))]
    alerts.run_keys(["torn/catalog_file"])
    alerts.tick()
    assert web.titles == ["Failed: torn"]
    assert "torn.yaml" in web.documents[0]["cause"]


def test_a_run_whose_process_is_gone_is_told(alerts: Alerts, web: WebReceiver) -> None:
    alerts.lose_run()
    alerts.tick()
    assert web.titles == ["Failed: shop"]


@pytest.mark.slow
def test_what_failed_before_the_first_tick_is_not_told(
    api: Api, instance: DagsterInstance, web: WebReceiver
) -> None:
    api.on("/items", FORBIDDEN)
    alerts = Alerts(instance, shop(item()))
    alerts.run()
    reason = alerts.tick(is_first=True)
    assert reason.startswith("Begins now.")
    assert "Failed: shop/items" in reason  # what it would have told
    assert alerts.tick() == "Nothing to tell."
    assert web.seen == []
    alerts.run()
    alerts.tick()
    assert web.titles == ["Failed: shop/items"]


def test_a_test_in_the_ui_says_what_it_would_send_and_sends_nothing(
    api: Api, alerts: Alerts, web: WebReceiver
) -> None:
    api.on("/items", FORBIDDEN)
    alerts.run()
    for commits in (False, True):  # "commit" in the UI keeps the cursor
        reason = alerts.tick(is_first=True, commits=commits)
        assert "nothing is sent" in reason
        assert "Failed: shop/items" in reason
        assert "answered 403" in reason
        assert "the-secret-path" not in reason
    assert web.seen == []
    alerts.tick()
    assert web.titles == ["Failed: shop/items"]


def test_a_receiver_that_fails_gets_the_message_later_and_holds_up_no_other(
    api: Api, alerts: Alerts, web: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_receiver() as second:
        monkeypatch.setenv(URLS, f"{web.url}/one-secret {second.url}/two-secret")
        web.status = 503
        api.on("/items", FORBIDDEN)
        alerts.run()
        reason = alerts.tick()
        assert reason.startswith("1 message sent. 1 message waiting: the next tick tries again.")
        assert "answered 503" in reason
        assert "one-secret" not in reason + str(alerts.cursors)
        alerts.tick()
        web.status = 200
        assert alerts.tick() == "1 message sent."
        assert len(web.titles) == 3
        assert second.titles == ["Failed: shop/items"]
        assert alerts.tick() == "Nothing to tell."


@pytest.mark.slow
def test_a_redirect_is_not_followed(api: Api, alerts: Alerts, web: WebReceiver) -> None:
    with web_receiver() as other:
        web.status, web.location = 307, f"{other.url}/elsewhere"
        api.on("/items", FORBIDDEN)
        alerts.run()
        assert "redirects are not followed" in alerts.tick()
        assert other.seen == []


@pytest.mark.slow
def test_the_forms_of_slack_and_teams_render_nothing_of_the_data(
    api: Api, alerts: Alerts, web: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URLS, f"slack+{web.url}/s teams+{web.url}/t")
    evil = "<!channel> [x](https://evil.example) `y`"
    api.on("/items", (400, {}, {"error": evil}))
    alerts.run()
    alerts.tick()
    by_path = dict(web.seen)
    slack, teams = by_path["/s"]["text"], by_path["/t"]
    assert "*Failed: shop/items*" in slack
    assert "<!channel>" not in slack
    card = teams["attachments"][0]["content"]
    assert card["body"][0]["inlines"][0]["text"] == "Failed: shop/items"
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert card["actions"][0]["url"].startswith("http://localhost:3000/runs/")
    assert "evil" in json.dumps(teams)


@pytest.mark.slow
def test_a_mail_has_a_subject_and_a_text(
    api: Api, alerts: Alerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_receiver() as server:
        address = (
            f"smtp://127.0.0.1:{server.port}/?from=sync@a.example&to=one@a.example,two@a.example"
        )
        monkeypatch.setenv(URLS, address)
        api.on("/items", FORBIDDEN)
        alerts.run()
        server.refuses = True
        assert "451" in alerts.tick()
        server.refuses = False
        assert alerts.tick() == "1 message sent."
        (mail,) = server.mails
        assert mail["Subject"] == "Failed: shop/items"
        assert server.recipients == [["one@a.example", "two@a.example"]]
        text = mail.get_content()
        assert "answered 403" in text
        assert "http://localhost:3000/runs/" in text


def test_no_message_holds_a_secret(
    api: Api, alerts: Alerts, web: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that is not the project's own may quote a secret."""
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "canary-5f7a1c9e")
    auth = {"type": "api_key", "name": "X-Key", "api_key": 'dlt.secrets["api_key"]'}
    alerts.source = shop(item(), auth=auth)
    alerts.lose_run("the driver says: canary-5f7a1c9e is wrong")
    alerts.tick()
    assert web.titles == ["Failed: shop"]
    assert "the driver says" in web.documents[0]["cause"]
    assert "canary-5f7a1c9e" not in json.dumps(web.documents)


@pytest.mark.slow
def test_without_a_receiver_the_sensors_are_off_and_do_nothing(
    alerts: Alerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(URLS)
    assert alerts.statuses() == {"STOPPED"}
    assert alerts.tick().startswith(f"Nobody is told. Set {URLS}")
    monkeypatch.setenv(URLS, "https://hooks.slack.com/services/T/B/x")
    assert alerts.statuses() == {"RUNNING"}
