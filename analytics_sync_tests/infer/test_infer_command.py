"""Tests of the command ``infer``: its files, its credentials and its requests.

In: command lines. Out: catalog files, exit statuses, and the requests that the API received.
"""

from __future__ import annotations

import json
import shlex
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.cli import command_line, main
from analytics_sync_tests.infer import small_apis as forms
from analytics_sync_tests.infer.conftest import Infer, loaded
from analytics_sync_tests.support.scripted_api import Api, Query

SECRET = "s3cret-token-of-the-api-0815"
BASE = """\
# A shop.
source: shop
client:
  base_url: {url}/v1
resource_defaults: {{primary_key: id}}
resources:
  - name: users  # all of them
    endpoint: users

# the end
description: A shop.
"""


def test_the_written_file_passes_check_and_has_its_schema_beside_it(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/v2/items", forms.token_in_body)
    file = tmp_path / "shop.yaml"
    assert main(["infer", f"{api.url}/v2/items", "items", "--out", str(file)]) == 0
    assert main(["check", str(file)]) == 0
    assert "shop.yaml: shop: 1 assets" in capsys.readouterr().out
    text = file.read_text()
    assert text.startswith("# yaml-language-server: $schema=catalog.schema.json\n")
    assert f"base_url: {api.url}/v2\n" in text
    assert (tmp_path / "catalog.schema.json").exists()
    assert main(["infer", f"{api.url}/v2/items", "items", "--out", str(file)]) == 2
    assert file.read_text() == text
    nowhere = tmp_path / "none" / "shop.yaml"
    assert main(["infer", f"{api.url}/v2/items", "items", "--out", str(nowhere)]) == 2
    assert "shop.yaml: cannot be written" in capsys.readouterr().err
    assert sorted(f.name for f in tmp_path.iterdir()) == ["catalog.schema.json", "shop.yaml"]


@pytest.mark.parametrize("is_env", [False, True], ids=["setting", "environment"])
def test_a_secret_is_sent_and_stands_nowhere(
    is_env: bool, api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "MY_TOKEN" if is_env else "SOURCES__SHOP__TOKEN"
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "" if is_env else SECRET)
    monkeypatch.delenv("SOURCES__SHOP__TOKEN") if is_env else None
    monkeypatch.setenv(variable, SECRET)
    api.on("/items", {"data": [{"id": 1, "echo": SECRET}, {"id": 2, "echo": "x"}]})
    key = "env:MY_TOKEN" if is_env else "token"
    status = main(["infer", f"{api.url}/items", "items", "--source", "shop", "--bearer", key])
    captured = capsys.readouterr()
    assert status == 0
    assert {seen.headers["authorization"] for seen in api.seen} == {f"Bearer {SECRET}"}
    assert SECRET not in captured.out + captured.err
    assert "token: 'dlt.secrets[\"token\"]'" in captured.out


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (
            ["--basic", "ann=token"],
            ("authorization", f"Basic {b64encode(b'ann:' + SECRET.encode()).decode()}"),
        ),
        (["--header", "X-Key=token"], ("x-key", SECRET)),
        (["--query", "api_key=token"], ("api_key", SECRET)),
    ],
    ids=["basic", "header", "query"],
)
def test_each_way_to_authenticate_is_sent_and_declared(
    options: list[str],
    sent: tuple[str, str],
    api: Api,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCES__MY_API__TOKEN", SECRET)
    api.on("/items", {"data": [{"id": 1}, {"id": 2}]})
    assert main(["infer", f"{api.url}/items", "items", "--requests", "1", *options]) == 0
    (seen,) = api.seen
    assert sent in {**seen.headers, **seen.query}.items()
    captured = capsys.readouterr()
    assert SECRET not in captured.out + captured.err
    assert 'dlt.secrets["token"]' in captured.out


def test_a_secret_of_the_address_is_refused(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["infer", f"{api.url}/items?api_key={SECRET}", "items"]) == 2
    error = capsys.readouterr().err
    assert "--query api_key=KEY" in error
    assert SECRET not in error
    assert api.seen == []


def test_no_value_of_a_record_stands_in_the_file(infer: Infer) -> None:
    records = [{"id": f"canary-{n}", "mail": f"canary{n}@example.org"} for n in range(7)]
    assert "canary" not in infer(forms.of_records(records))


def test_no_more_requests_than_allowed_are_sent_and_each_is_shown(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/items", forms.always_the_same)
    assert main(["infer", f"{api.url}/items", "items", "--requests", "3"]) == 0
    captured = capsys.readouterr()
    assert [seen.method for seen in api.seen] == ["GET"] * 3
    assert captured.err.count(f"GET {api.url}/items") == 3
    assert "TODO: all 3 requests were used; --requests allows more" in captured.out


@pytest.mark.slow
def test_a_request_that_is_tried_again_counts_twice(api: Api, infer: Infer) -> None:
    api.on("/items", forms.always_the_same, (503, {}, {"error": "not now"}))
    infer(None, "--requests", "3")
    assert len(api.seen) == 3


def test_an_api_that_cannot_be_read_is_status_1(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/items", (403, {}, {"error": "no"}))
    assert main(["infer", f"{api.url}/items", "items"]) == 1
    captured = capsys.readouterr()
    assert (captured.out, len(api.seen)) == ("", 1)
    assert "403" in captured.err


def test_a_selector_of_another_form_is_refused(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/items", {"data": forms.RECORDS})
    for selector in ("data[0].lines", "..data", "a..b"):
        assert main(["infer", f"{api.url}/items", "items", "--selector", selector]) == 2
        error = capsys.readouterr().err
        assert "--selector: expected keys" in error
        assert repr(selector) in error


def test_a_resource_is_added_to_a_file_that_stays_as_it_was(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/v1/items", forms.link_header)
    file = tmp_path / "shop.yaml"
    base = BASE.format(url=api.url)
    file.write_text(base)
    assert main(["infer", "items", "items", "--base", str(file), "--out", str(file)]) == 0
    text = file.read_text()
    kept = iter(text.splitlines())
    assert all(line in kept for line in base.splitlines())  # in their order
    assert list(loaded(text).resources) == ["users", "items"]
    assert text.index("name: items") < text.index("# the end")
    assert main(["check", str(file)]) == 0
    assert main(["infer", "items", "items", "--base", str(file)]) == 2
    assert "this resource is declared twice" in capsys.readouterr().err


def test_the_settings_of_a_file_count(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    api.on("/v1/items", forms.bare_list)
    file = tmp_path / "shop.yaml"
    file.write_text(BASE.format(url="https://api.example.com"))
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"{api.url}/v1")
    assert main(["infer", "items", "items", "--base", str(file), "--requests", "1"]) == 0
    assert api.paths() == ["/v1/items"]
    assert "base_url: https://api.example.com/v1\n" in capsys.readouterr().out


def test_a_file_with_a_character_beyond_the_basic_plane_asks_as_well(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/v1/items", forms.bare_list)
    file = tmp_path / "shop.yaml"
    base = BASE.format(url=api.url).replace("A shop.\n", "A shop \U0001f6d2.\n")
    file.write_text(base)
    asked = ["infer", "items?tag=\U0001f6d2", "items", "--base", str(file), "--requests", "1"]
    assert main(asked) == 0
    assert api.queries("/v1/items") == [{"tag": "\U0001f6d2"}]
    text = capsys.readouterr().out
    assert loaded(text).resources["items"].params == {"tag": "\U0001f6d2"}


def test_a_paginator_of_the_file_is_tried_and_not_inherited_without_a_proof(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def odd_cursor(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        start = int(query.get("seite", 0))
        return {"data": forms.RECORDS[start : start + 20], "meta": {"next_cursor": str(start + 20)}}

    api.on("/v1/items", odd_cursor)
    api.on("/v1/others", forms.always_the_same)
    file = tmp_path / "shop.yaml"
    cursor = "{type: cursor, cursor_path: meta.next_cursor, cursor_param: seite}"
    defaults = f"{{primary_key: id, endpoint: {{paginator: {cursor}}}}}"
    file.write_text(BASE.format(url=api.url).replace("{primary_key: id}", defaults))
    for name in ("items", "others"):
        assert main(["infer", name, name, "--base", str(file), "--out", str(file)]) == 0
    resources = loaded(file.read_text()).resources
    assert resources["items"].paginator.model_dump()["cursor_param"] == "seite"
    assert resources["others"].paginator.type == "auto"
    assert "others: paginator: TODO" in capsys.readouterr().err


def test_a_list_of_resources_in_one_line_cannot_be_added_to(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/items", forms.bare_list)
    file = tmp_path / "shop.yaml"
    file.write_text(
        f"client: {{base_url: '{api.url}'}}\nresources: [{{name: a, primary_key: id}}]\n"
    )
    assert main(["infer", "/items", "items", "--base", str(file)]) == 2
    assert "shop.yaml: expected resources as a list" in capsys.readouterr().err


def test_an_address_beside_the_settings_is_refused(
    api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", "https://other.example.org/api")
    assert main(["infer", f"{api.url}/items", "items", "--source", "shop"]) == 2
    assert "does not begin with https://other.example.org/api/" in capsys.readouterr().err
    assert api.seen == []


@pytest.mark.parametrize("in_lines", [False, True], ids=["one document", "one in each line"])
def test_answers_of_a_file_show_all_but_the_paging(
    in_lines: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = [{"data": forms.RECORDS[:20], "next": "/items?page=2"}, {"data": forms.RECORDS[20:]}]
    answers = pages if in_lines else pages[:1]
    file = tmp_path / "answers.json"
    file.write_text("\n".join(json.dumps(page) for page in answers))
    assert main(["infer", str(file), "items", "--source", "shop"]) == 0
    text = capsys.readouterr().out
    resource = loaded(text).resources["items"]
    assert (resource.selector, resource.primary_key) == ("data", ("id",))
    assert "a file of answers proves no paginator; there is a link at next" in text.replace(
        "\n      # ", " "
    )
    assert f"in each of {57 if in_lines else 20} records" in text


def test_an_answer_without_the_place_of_the_first_one_adds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = {f"u{n}": {"name": f"n{n}"} for n in range(3)}
    answers: list[Any] = [{"users": {**users, "u9": None}}, {"error": "no"}, {"users": [1]}]
    file = tmp_path / "answers.json"
    file.write_text("\n".join(json.dumps(answer) for answer in answers))
    command = ["infer", str(file), "users", "--source", "shop", "--selector", "users.*"]
    assert main(command) == 0
    resource = loaded(capsys.readouterr().out).resources["users"]
    assert (resource.key_field, resource.primary_key) == ("id", ("id",))


def test_a_file_that_is_none_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["infer", str(tmp_path / "none.json"), "items"]) == 2
    assert "name an http(s) address" in capsys.readouterr().err
    (tmp_path / "bad.json").write_text("{")
    assert main(["infer", str(tmp_path / "bad.json"), "items"]) == 2
    assert "bad.json:1: is no JSON" in capsys.readouterr().err


def test_the_commands_of_the_docs_can_be_typed() -> None:
    text = (Path(__file__).parents[2] / "docs" / "infer.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("analytics-sync ")]
    assert len(lines) == 5
    for line in lines:
        command_line().parse_args(shlex.split(line, comments=True)[1:])


@pytest.mark.slow
def test_a_rate_limit_is_waited_for(api: Api, infer: Infer) -> None:
    api.on("/items", (429, {"Retry-After": "1"}, {}), forms.bare_list)
    assert "primary_key: id" in infer(None)
