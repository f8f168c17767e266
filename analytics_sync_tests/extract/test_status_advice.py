"""Error statuses: the first line of a message names the settings to look at, and the next step.

In: an API that refuses. Out: the messages of reads.
"""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync_tests.support.echoes import KEY
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

BASIC = {
    "type": "http_basic",
    "username": 'dlt.secrets["user"]',
    "password": 'dlt.secrets["password"]',
}
SECOND_KEY = {"X-Application": 'dlt.secrets["application_key"]'}
KEY_IN_PATH: dict[str, Any] = {
    "path": "/orgs/{org}/items",
    "params": {"org": {"type": "config", "key": "org_id"}},
}


def message(api: Api, status: int, endpoint: dict[str, Any] | None = None, **client: Any) -> str:
    """The message of a read that the API answers with a status."""
    api.on("*", (status, {}, {}))
    error = read(shop(item(endpoint or {}), error_handler={"max_retries": 0}, **client)).failures[
        "items"
    ]
    assert "\n" not in str(error)
    return str(error)


@pytest.mark.parametrize(
    ("status", "client", "said"),
    [
        (401, {"auth": KEY}, "Look at SOURCES__SHOP__API_KEY: the API does not take the key"),
        (401, {"auth": KEY}, "SOURCES__SHOP__API_KEY_NAME can send it under another name."),
        (401, {"auth": KEY, "headers": SECOND_KEY}, "SOURCES__SHOP__API_KEY and SOURCES__SHOP__APPLICATION_KEY:"),
        (401, {"auth": BASIC}, "Look at SOURCES__SHOP__PASSWORD: "),
        (401, {}, "No credentials were sent: declare auth in the client of the catalog file."),
        (403, {"auth": KEY}, "Give the key in SOURCES__SHOP__API_KEY the right to read this, or leave the"),
        (403, {}, "No credentials were sent: declare auth in the client of the catalog file, or leave"),
        (404, {}, "Look at SOURCES__SHOP__BASE_URL and the path in the catalog file. If the status"),
        (410, {}, "The API has given up this address: look for its successor, then correct path or"),
        (451, {}, "withholds this for legal reasons: ask its owner, or leave the resource out"),
        (400, {}, "refuses this request, and will again: look at endpoint.params, incremental"),
        (503, {}, "Look at the API's status page, then run again."),
        (302, {}, "Look at SOURCES__SHOP__BASE_URL, and at response_actions"),
    ],
)  # fmt: skip
def test_the_message_names_the_next_step(
    status: int, client: dict[str, Any], said: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_KEY", "APPLICATION_KEY", "USER", "PASSWORD"):
        monkeypatch.setenv(f"SOURCES__SHOP__{name}", "a-very-secret-value")
    text = message(api, status, **client)
    assert said in text
    assert "a-very-secret-value" not in text


def test_the_settings_of_the_path_are_named(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__ORG_ID", "gone")
    text = message(api, 404, KEY_IN_PATH)
    assert (
        "Look at SOURCES__SHOP__BASE_URL, SOURCES__SHOP__ORG_ID and the path in the catalog" in text
    )
