"""Secrets in messages: short ones leave ordinary words alone, and a place for secrets hides all it gives.

In: runs that fail, with short secrets, and with settings from ``.dlt/secrets.toml``. Out: their messages.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analytics_sync_tests.support.echoes import KEY
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api
from analytics_sync_tests.support.world import ROOT

api = shop_api

IN_QUERY = {**KEY, "name": "k", "location": "query"}
SAID = "a list of items: to read it, ask for an id, not an idea"


@pytest.mark.parametrize("secret", ["a", "t", "to", "id", "ask", "item", "read"])
def test_a_short_secret_is_not_cut_out_of_words(
    secret: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", secret)
    api.on("/items", (401, {}, {"error": SAID}))
    source = shop(item(), auth=IN_QUERY, error_handler={"max_retries": 0})
    message = read(source).error()
    assert SAID in message
    assert "/items answered 401" in message


@pytest.mark.parametrize("secret", ["wrong", "sandbox", "Missing", "right", "HOLD"])
def test_a_key_that_is_a_word_is_not_cut_out_of_sentences(
    secret: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mask in a sentence that everybody knows tells the word, and makes a riddle of the sentence."""
    said = "missing or wrong key; the sandbox's settings hold the right one"
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", secret)
    api.on("/items", (401, {}, {"error": said, "sent": f"{secret}"}))
    message = read(shop(item(), auth=IN_QUERY, error_handler={"max_retries": 0})).error()
    assert said in message
    assert '"sent":"***"' in message


@pytest.mark.parametrize(
    "secret", ["7", "q7", "q7x", "q7xz", "q7xz9kf", "hunter", "Hunter", "PASS"]
)
@pytest.mark.parametrize(
    "said",
    [
        "you sent /items?k={0}&page=2", "you sent /items?page=2&k={0} here",
        "/rooms/{0}/items", "X-Key: {0}", "KeyError('{0}')", '{{"key":"{0}"}}', "[{0}]", "Bearer {0}",
        "key={0}", "%3Fk%3D{0}%26page", "(user:{0}@host)",
    ],
)  # fmt: skip
def test_a_short_secret_is_masked_where_it_can_stand(
    secret: str, said: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", secret)
    api.on("/items", (401, {"Content-Type": "text/plain"}, said.format(secret).encode()))
    message = read(shop(item(), auth=KEY, error_handler={"max_retries": 0})).error()
    assert said.format("***") in message


@pytest.mark.parametrize(
    "said",
    [
        "the key {0} is unknown", "no such user {0}", "TOKEN  {0}, of yesterday", "password: {0} was not taken",
        "header\t{0}", "to {0}@host", "({0}:x@host)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("secret", ["hunter", "q7xz9kf"])
def test_a_short_secret_is_masked_after_the_name_of_a_secret(
    said: str, secret: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", secret)
    api.on("/items", (401, {"Content-Type": "text/plain"}, said.format(secret).encode()))
    message = read(shop(item(), auth=KEY, error_handler={"max_retries": 0})).error()
    assert secret not in message


def test_a_secret_of_four_characters_is_masked_as_a_word(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "q7xz")
    api.on("/items", (401, {}, {"error": "the key q7xz, not xq7xz or q7xz9"}))
    message = read(shop(item(), auth=KEY, error_handler={"max_retries": 0})).error()
    assert "the key ***, not xq7xz or q7xz9" in message


READ = """
import json, sys
from analytics_sync.catalog import load_text
from analytics_sync.extract.run import ReadRun
source = load_text(sys.stdin.read(), name="shop", file="shop.yaml")
with ReadRun(source) as run:
    failed = {n: str(e) for n, e in run.failures().items()}
    rows = [r for x in run.resources if x.name not in failed for t in run.result(x.name).buffer.tables()
            for r in t.to_pylist()]
print(json.dumps([failed, [{n: v for n, v in row.items() if n != "_read_at"} for row in rows]]))
"""


def read_elsewhere(folder: Path, secrets: str, source: dict[str, Any]) -> tuple[str, list[Any]]:
    """The error messages and the rows of a read by a process with a ``.dlt/secrets.toml``."""
    (folder / ".dlt").mkdir()
    (folder / ".dlt" / "secrets.toml").write_text(f"[sources.shop]\n{secrets}\n")
    done = subprocess.run(
        [sys.executable, "-c", READ], input=json.dumps(source), cwd=folder, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60,
    )  # fmt: skip
    failed, rows = json.loads(done.stdout)
    return json.dumps(failed) + done.stderr, rows


def declared(**endpoint: Any) -> dict[str, Any]:
    """A source with a path of a setting, without retries."""
    resource = item(endpoint, columns={"id": "bigint", "room": "text"})
    return {"client": {"error_handler": {"max_retries": 0}}, "resources": [resource]}


def test_a_value_from_a_place_for_secrets_is_in_no_message(api: Api, tmp_path: Path) -> None:
    api.on("*", (404, {}, {"error": "no room vault-room-77, nor wing-9"}))
    source = declared(
        path="/rooms/{room}",
        params={
            "room": {"type": "config", "key": "room"},
            "wing": {"type": "config", "key": "wing"},
        },
    )
    message, _ = read_elsewhere(tmp_path, 'room = "vault-room-77"\nwing = "wing-9"', source)
    assert "vault-room-77" not in message
    assert "wing-9" not in message
    assert "/rooms/***?wing=***" in message
    assert "no room ***, nor ***" in message


def test_rows_keep_a_value_that_is_no_declared_secret(api: Api, tmp_path: Path) -> None:
    """Many an id is such a setting: masked, the column would lose its meaning."""
    api.on("*", [{"id": 1, "room": "vault-room-77"}])
    source = declared(path="/rooms/{room}", params={"room": {"type": "config", "key": "room"}})
    _, rows = read_elsewhere(tmp_path, 'room = "vault-room-77"', source)
    assert rows == [{"id": 1, "room": "vault-room-77", "_extra": None}]


def test_the_address_of_an_api_is_shown_wherever_it_comes_from(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCES__SHOP__BASE_URL")
    api.on("*", (404, {}, {}))
    message, _ = read_elsewhere(tmp_path, f'base_url = "{api.url}"', declared(path="/items"))
    assert f"GET {api.url}/items answered 404" in message


def test_a_user_name_that_is_declared_as_a_secret_is_in_no_message(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__USER", "somebody-77")
    monkeypatch.setenv("SOURCES__SHOP__PASSWORD", "a-pass-word-88")
    api.on("/items", (401, {}, {"error": "no user somebody-77"}))
    auth = {
        "type": "http_basic",
        "username": 'dlt.secrets["user"]',
        "password": 'dlt.secrets["password"]',
    }
    message = read(shop(item(), auth=auth, error_handler={"max_retries": 0})).error()
    assert "no user ***" in message
