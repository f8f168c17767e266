"""The list of all settings that a source mentions: where it looks for them, and which are optional."""

from __future__ import annotations

import re
from typing import Any

import pytest

from analytics_sync.catalog.names import PROJECT_VARIABLES
from analytics_sync.extract.rest_client.declared_settings import declared_settings
from analytics_sync_tests.support.scripted_api import item, shop
from analytics_sync_tests.support.world import ROOT

HEADER = {"type": "api_key", "name": "X-Key", "api_key": 'dlt.secrets["api_key"]'}


def test_all_settings_of_a_source_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__TEAM", "red")
    kid = item(
        {"path": "/{team}/{kid}", "params": {"kid": {"type": "resolve", "resource": "items", "field": "id", "config": "kid_id"}}},
        name="kids",
    )  # fmt: skip
    source = shop(item(), kid, auth=HEADER, headers={"two": {"type": "secret", "key": "second"}})
    listed = {s.variable: (s.optional, s.is_set) for s in declared_settings(source)}
    assert listed == {
        "SOURCES__SHOP__BASE_URL": (False, False),
        "SOURCES__SHOP__API_KEY": (False, False),
        "SOURCES__SHOP__API_KEY_NAME": (True, False),
        "SOURCES__SHOP__SECOND": (False, False),
        "SOURCES__SHOP__SECOND_NAME": (True, False),
        "SOURCES__SHOP__TEAM": (False, True),
        "SOURCES__SHOP__KID_ID": (True, False),
    }


# keys of the client -> the settings that they mention, and whether these are optional
CLIENTS: dict[str, tuple[dict[str, Any], dict[str, bool]]] = {
    "references in headers": (
        {"headers": {"X-Team": 'dlt.config["team_id"]', "X-Key": 'dlt.secrets["second"]', "X-Version": "2"}},
        {"BASE_URL": False, "TEAM_ID": False, "TEAM_ID_NAME": True, "SECOND": False, "SECOND_NAME": True},
    ),
    "header with a default": (
        {"headers": {"X-Team": {"type": "config", "key": "team_id", "default": "red"}}},
        {"BASE_URL": False, "TEAM_ID": True, "TEAM_ID_NAME": True},
    ),
    "user and password": (
        {"auth": {"type": "http_basic", "username": 'dlt.config["user"]', "password": 'dlt.secrets["password"]'}},
        {"BASE_URL": False, "USER": False, "PASSWORD": False},
    ),
    "user without a password": (
        {"auth": {"type": "http_basic", "username": 'dlt.secrets["api_key"]', "password": ""}},
        {"BASE_URL": False, "API_KEY": False},
    ),
    "declared address": ({"base_url": "https://api.shop.com/v1"}, {"BASE_URL": True}),
    "example of an address": ({"base_url": "https://api.example.com/v1"}, {"BASE_URL": False}),
}  # fmt: skip


@pytest.mark.parametrize("name", CLIENTS)
def test_the_settings_of_a_client_are_listed(name: str) -> None:
    client, expected = CLIENTS[name]
    listed = declared_settings(shop(item(), **client))
    assert {s.variable: s.optional for s in listed} == {
        f"SOURCES__SHOP__{key}": optional for key, optional in expected.items()
    }


@pytest.mark.parametrize(("value", "is_set"), [(None, False), ("", True), ("hush", True)])
def test_an_empty_password_is_set(
    monkeypatch: pytest.MonkeyPatch, value: str | None, is_set: bool
) -> None:
    if value is not None:
        monkeypatch.setenv("SOURCES__SHOP__PASSWORD", value)
    auth = {"type": "http_basic", "username": "me", "password": 'dlt.secrets["password"]'}
    listed = {s.variable: s.is_set for s in declared_settings(shop(item(), auth=auth))}
    assert listed["SOURCES__SHOP__PASSWORD"] == is_set


def test_all_settings_of_the_project_are_known() -> None:
    """The settings that the documentation names."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {n for page in pages for n in re.findall(r"ANALYTICS_SYNC__[A-Z_]+", page.read_text())}
    assert named <= set(PROJECT_VARIABLES)
    assert "ANALYTICS_SYNC__START_DATE" in named


@pytest.mark.parametrize(
    ("base_url", "required"),
    [
        ('https://{dlt.config["site"]}.shop.dev/v1', {"SOURCES__SHOP__SITE"}),
        ('{dlt.config["base_url"]}/v1', {"SOURCES__SHOP__BASE_URL"}),
        ("https://shop.dev", set()),
    ],
)
def test_an_address_needs_the_settings_that_it_holds(base_url: str, required: set[str]) -> None:
    found = declared_settings(shop(item(), base_url=base_url))
    assert {s.variable for s in found if not s.optional} == required
