"""Links and redirects that lose a part of the request: its parameters, a part of its path, its scheme."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.common.window import Window
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, serve, shop, shop_api

api = shop_api

JSON_LINK = {"type": "json_link", "next_url_path": "next"}
CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "at"}
STATUS = [{"id": i, "status": "on" if i % 2 else "off"} for i in range(1, 13)]
ON = [1, 3, 5, 7, 9, 11]


def paged(paginator: Any, **params: Any) -> Source:
    columns = {"id": "bigint", "status": "text"}
    endpoint = {"paginator": paginator, "data_selector": "data", "params": params}
    return shop(item(endpoint, columns=columns))


def filtered(link: str, *, header: bool = False) -> Any:
    """A server with pages of three records; ``link`` leads to the next page, which ``N`` stands for."""

    def respond(path: str, query: Query, headers: Any) -> Any:
        number = int(query.get("page", 1))
        some = [r for r in STATUS if query.get("status") in (None, r["status"])]
        following = link.replace("N", str(number + 1)) if 3 * number < len(some) else None
        body = {"data": some[3 * number - 3 : 3 * number]}
        if header:
            return 200, {"Link": f'<{following}>; rel="next"'} if following else {}, body
        return {**body, "next": following}

    return respond


@pytest.mark.parametrize(
    "link", ["/items?page=N", "?page=N", "/items?page=N&size=3", "/items/?page=N"]
)
@pytest.mark.parametrize("header", [False, True])
def test_a_link_that_lost_the_filter_gets_it_back(api: Api, link: str, header: bool) -> None:
    api.on("/items*", filtered(link, header=header))
    outcome = read(paged("header_link" if header else JSON_LINK, status="on", size=3))
    assert outcome.ids() == ON
    assert outcome.readings["items"].complete
    assert api.queries("/items*")[1]["status"] == "on"


def test_a_list_and_a_bracketed_name_are_given_back(api: Api) -> None:
    last = {"data": [{"id": 2}], "next": None}
    api.on("/items", {"data": [{"id": 1}], "next": "/items?page=2#top"}, last)
    read(paged(JSON_LINK, **{"filter[kind]": ["a b", "c"], "page[size]": 2, "deep": True}))
    assert api.queries()[1] == {"page": "2", "filter[kind]": ["a b", "c"], "deep": "true"}


# a link to which nothing is added, because it may hold what the first request held
WHOLE = {
    "a token": "/items?cursor=b2Zmc2V0OjI",
    "a token of numbers and a dash": "/items?cursor=12-34",
    "the parameter in other letters": "/items?page=2&s%74atus=off",
    "another path": "/items/pages/2?n=1",
}


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_is_added_to_a_link_that_may_be_whole(api: Api, name: str) -> None:
    api.on("/items*", {"data": [{"id": 1}], "next": WHOLE[name]}, {"data": [{"id": 2}]})
    read(paged(JSON_LINK, status="on"))
    assert api.seen[1].target == WHOLE[name]


@pytest.mark.parametrize(
    "name", ["page", "page[size]", "perPage", "startAt", "updated_since", "limit"]
)
def test_parameters_of_paging_are_not_given_back(api: Api, name: str) -> None:
    api.on("/items", {"data": [{"id": 1}], "next": "/items?x=2"}, {"data": [{"id": 2}]})
    read(paged(JSON_LINK, **{name: 1}))
    assert api.queries()[1] == {"x": "2"}


def token_server(api: Api, second: list[dict[str, Any]]) -> None:
    first = {"data": [STATUS[0], STATUS[2]], "next": "/items?cursor=b2Zmc2V0OjI"}
    api.on("/items", first, {"data": second, "next": None})


@pytest.mark.parametrize("name", ["status", "filter[status]"])
def test_a_filter_that_a_token_does_not_hold_is_named(api: Api, name: str) -> None:
    token_server(api, [STATUS[3], STATUS[4]])
    reading = read(paged(JSON_LINK, **{name: "on"})).readings["items"]
    (message,) = reading.findings.of(COMPLETE)
    assert f"{name}=on" in message
    assert "'off' as 'status'" in message
    assert not reading.complete


@pytest.mark.parametrize(
    ("params", "second"),
    [
        ({"status": "on"}, [STATUS[4], {"id": 99}]),
        ({"status": "all"}, [STATUS[3]]),
        ({"state": "on"}, [STATUS[3]]),
        ({"status": "ON"}, [STATUS[4]]),
        ({"status": ["on"]}, [STATUS[3]]),
    ],
)
def test_records_that_keep_to_the_filter_are_not_named(
    api: Api, params: dict[str, str], second: list[dict[str, Any]]
) -> None:
    token_server(api, second)
    reading = read(paged(JSON_LINK, **params)).readings["items"]
    assert reading.findings.by_check() == {}
    assert reading.complete


@pytest.mark.parametrize(
    "target", ["/items/", "/v2/items", "/Items", "/items/?lang=en", "/items/?"]
)
def test_a_redirect_that_lost_the_filter_gets_it_back(api: Api, target: str) -> None:
    api.on("/items", (301, {"Location": target}, b""))
    api.on("*", filtered("?page=N"))
    assert read(paged("single_page", status="on", size=3)).ids() == ON[:3]
    assert api.seen[1].query.items() >= {"status": "on", "size": "3"}.items()


def test_a_redirect_to_another_place_is_followed_unchanged(api: Api) -> None:
    api.on("/items", (302, {"Location": "/files/1.json"}, b""))
    api.on("/files/1.json", {"data": [{"id": 1}]})
    assert read(paged("single_page", status="on")).ids() == [1]
    assert api.seen[1].query == {}


@pytest.mark.parametrize("link", ["/items?page=N", "HOST/items?page=N"])
def test_a_link_without_the_base_path_gets_it_back(
    api: Api, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"{api.url}/api/v2")
    api.on("/api/v2/items", filtered(link.replace("HOST", api.url)))
    assert read(paged(JSON_LINK, status="on")).ids() == ON


@pytest.mark.parametrize("link", ["/api/v2/items?page=2", "/more?page=2", "/?page=2"])
def test_a_link_to_another_path_is_followed_unchanged(
    api: Api, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"{api.url}/api/v2")
    api.on("/api/v2/items", {"data": [{"id": 1}], "next": link}, {"data": [{"id": 2}]})
    api.on("*", {"data": [{"id": 2}]})
    assert read(paged(JSON_LINK)).ids() == [1, 2]
    assert api.seen[1].target == link


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 with its key, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path / "host.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path, "-out", path,
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


@pytest.mark.parametrize("host", ["127.0.0.1:PORT", "127.0.0.1", "127.0.0.1:80"])
def test_a_link_with_http_is_followed_by_https(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serve(context) as api:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setenv("SOURCES__SHOP__BASE_URL", api.url)
        link = f"http://{host}/items?page=N".replace("PORT", api.url.rpartition(":")[2])
        api.on("/items", filtered(link))
        assert read(paged(JSON_LINK, status="on")).ids() == ON
        for other in ("http://127.0.0.1:81/items", "http://localhost/items"):
            api.on("/items", {"data": [{"id": 1}], "next": other})
            assert "nothing was sent" in read(paged(JSON_LINK)).error()


def test_bounds_of_the_window_are_no_filter(api: Api) -> None:
    incremental = {
        "cursor_path": "day",
        "start_param": "day",
        "end_param": "end",
        "param_format": "date",
    }
    columns = {"id": "bigint", "day": "timestamp"}
    endpoint = {"paginator": CURSOR, "data_selector": "data", "incremental": incremental}
    days = [{"id": 1, "day": "2026-01-08"}, {"id": 2, "day": "2026-01-10"}]
    api.on("/items", {"data": days[:1], "next": "x"}, {"data": days[1:]})
    window = Window(datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 1, 11, tzinfo=UTC))
    outcome = read(shop(item(endpoint, columns=columns)), window)
    assert api.queries()[0]["day"] == days[0]["day"], "two days earlier, because bounds may be open"
    assert outcome.readings["items"].findings.by_check() == {}
