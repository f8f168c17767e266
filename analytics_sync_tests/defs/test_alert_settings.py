"""The settings of alerts: what is accepted, what is refused, and the two commands that tell of them."""

from __future__ import annotations

import pytest

from analytics_sync.cli import main
from analytics_sync_tests.support.alert_receivers import web_receiver

URLS = "ANALYTICS_SYNC__ALERTS__URLS"
SECRET = "B0-canary-4711"


@pytest.mark.parametrize(
    ("address", "label"),
    [
        (f"https://hooks.slack.com/services/{SECRET}", "slack hooks.slack.com"),
        (f"https://x.westeurope.logic.azure.com/w?sig={SECRET}", "teams x.westeurope.logic.azure.com"),
        (f"https://hooks.example.com:8443/{SECRET}", "webhook hooks.example.com:8443"),
        (f"slack+https://chat.example.com/{SECRET}", "slack chat.example.com"),
        (f"http://127.0.0.1:9/{SECRET}", "webhook 127.0.0.1:9"),
        (f"smtps://me:{SECRET}@mail.example.com/?from=a@b.example&to=c@d.example", "mail c@d.example"),
        (f"https://e.example/{SECRET}\nhttps://e.example/2", "webhook e.example, webhook e.example (2)"),
    ],
)  # fmt: skip
def test_settings_list_the_receivers_without_their_addresses(
    address: str, label: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(URLS, address)
    main(["settings"])
    output = capsys.readouterr()
    assert f"who is told of failures: {label}\n" in output.out
    assert SECRET not in output.out + output.err


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        (URLS, f"http://hooks.example.com/{SECRET}", "would send messages unencrypted"),
        (URLS, f"https://me:{SECRET}@hooks.example.com/", "a user and a password"),
        (URLS, f"https://ok.example/x ftp://{SECRET}.example", "address 2: expected https://HOST"),
        (URLS, SECRET, "address 1: expected https://HOST"),
        (URLS, f"smtps://me:{SECRET}@mail.example.com/", "needs a sender and a recipient"),
        ("ANALYTICS_SYNC__ALERTS__ALLOW_HTTP", SECRET, "expected true or false"),
        ("ANALYTICS_SYNC__ALERTS__DAGSTER_URL", SECRET, "no http(s) address of Dagster's UI"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    variable: str,
    value: str,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, value)
    assert main(["settings"]) == 2
    output = capsys.readouterr()
    (line,) = [line for line in output.err.splitlines() if problem in line]
    assert line.startswith(variable)
    assert SECRET not in output.out + output.err
    assert main(["alert-test"]) == 2


def test_a_test_message_reaches_each_receiver(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__ALERTS__DAGSTER_URL", "https://dagster.example.com/")
    with web_receiver() as good, web_receiver() as bad:
        monkeypatch.setenv(URLS, f"{good.url}/x-secret-x teams+{bad.url}/y-secret-y")
        bad.status = 410
        assert main(["alert-test"]) == 1
        output = capsys.readouterr()
        assert output.out == f"sent: webhook {good.url[7:]}\n"
        assert output.err == f"not sent: teams {bad.url[7:]}: answered 410\n"
        assert good.documents[0]["event"] == "test"
        assert good.documents[0]["url"] == "https://dagster.example.com"
        bad.status = 202
        assert main(["alert-test"]) == 0


def test_an_unreachable_receiver_is_named_without_its_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with web_receiver() as gone:
        pass
    monkeypatch.setenv(URLS, f"{gone.url}/{SECRET}")
    assert main(["alert-test"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"not sent: webhook {gone.url[7:]}: NewConnectionError")
    assert SECRET not in error


def test_without_a_receiver_there_is_nothing_to_test(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alert-test"]) == 1
    assert URLS in capsys.readouterr().err
