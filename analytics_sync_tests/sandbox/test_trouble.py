"""`analytics-sync trouble`: a running sandbox fails, and answers again, by command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from analytics_sync.catalog import Source
from analytics_sync.cli import main
from analytics_sync.sandbox import Sandbox
from analytics_sync_tests.support.shop_source import SMALL, Client


@pytest.fixture
def box(shop: Source) -> Iterator[Sandbox]:
    with Sandbox([shop], SMALL) as box:
        yield box


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize(
    ("kind", "place", "status"),
    [
        ("403", "shop/edits", 403),
        ("403", "shop", 403),
        ("expired-key", "shop", 401),
        ("outage", "shop/edits", 503),
        ("outage", "", 503),
    ],
)
def test_trouble_is_on_until_it_is_off(
    box: Sandbox, capsys: pytest.CaptureFixture[str], kind: str, place: str, status: int
) -> None:
    client = Client(box)
    path = box.sources["shop"].resources["edits"].path
    before = client.status(path)
    assert before == 200
    assert main(["trouble", kind, *([place] if place else []), "--url", box.url]) == 0
    assert said(capsys) == f"on: {kind} at {place or 'all sources'}\n"
    assert client.status(path) == status
    assert main(["trouble", "--url", box.url]) == 0
    assert said(capsys).startswith(f"on: {kind} at ")
    assert main(["trouble", "off", "--url", box.url]) == 0
    assert said(capsys) == "no trouble is on\n"
    assert client.status(path) == before


def test_trouble_of_a_resource_spares_the_others(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    client, resources = Client(box), box.sources["shop"].resources
    main(["trouble", "403", "shop/edits", "--url", box.url])
    main(["trouble", "slow", "shop/numbered", "--seconds", "0.01", "--url", box.url])
    assert "on: slow at shop/numbered, 0.01 s a response\n" in said(capsys)
    assert client.status(resources["numbered"].path) == 200
    assert client.status(resources["edits"].path) == 403
    main(["trouble", "off", "shop/edits", "--url", box.url])
    assert said(capsys) == "on: slow at shop/numbered, 0.01 s a response\n"
    assert client.status(resources["edits"].path) == 200


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["4o3", "shop"], "known: 403, outage, expired-key, slow"),
        (["403", "shopp"], "no source 'shopp'; known: shop"),
        (["403", "shop/edit"], "no resource 'edit' of shop; known: "),
        (["slow", "shop", "--seconds", "0"], "expected more than 0 and up to 600"),
    ],
)
def test_a_wrong_kind_place_or_time_is_named(
    box: Sandbox, capsys: pytest.CaptureFixture[str], arguments: list[str], hint: str
) -> None:
    assert main(["trouble", *arguments, "--url", box.url]) == 2
    assert hint in said(capsys)
    assert box.troubles.listed() == []


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        (None, "no sandbox has run in this folder"),
        ("http://192.0.2.1:81", "is no sandbox: expected http://127.0.0.1:PORT"),
        ("http://127.0.0.1:1", "no sandbox answers at http://127.0.0.1:1"),
    ],
)
def test_without_a_sandbox_the_command_says_how_to_start_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    url: str | None,
    hint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["trouble", "403", *(["--url", url] if url else [])]) == 2
    output = said(capsys)
    assert hint in output
    assert "make dev" in output


def test_another_page_cannot_switch_trouble_on(box: Sandbox) -> None:
    address = f"{box.url}/_sandbox/trouble/outage/shop"
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert urllib3.request("POST", address, headers=headers, retries=False).status == 403
    assert box.troubles.listed() == []
