"""A catalog file is data: nothing in it runs, swells up or is filled in, and no secret stands in it."""

from __future__ import annotations

import base64
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml

from analytics_sync import catalog as spec
from analytics_sync.catalog import (
    CatalogError,
    Source,
    catalog_files,
    load_catalog,
)
from analytics_sync.catalog import (
    python_config as pyconfig,
)
from analytics_sync.catalog.secret_patterns import looks_random, looks_secret
from analytics_sync.catalog.secret_scan import names_a_secret
from analytics_sync.cli import main
from analytics_sync_tests.catalog.test_seed_configs import FILES, NAMES

SHOP = """\
source: shop
description: D
client:
  base_url: https://api.example.com/v1
  auth: {type: bearer, token: 'dlt.secrets["token"]'}
  headers:
    Accept: application/json
resources:
  - name: items
    description: E
    endpoint:
      path: /items
      params:
        page_size: 5
      headers:
        X-Kind: plain
      paginator: single_page
    primary_key: id
    columns:
      id: bigint
"""
PLACES = {
    "source description": ("description: D", "description: ", "description"),
    "base_url": ("base_url: https://api.example.com/v1", "base_url: ", "client.base_url"),
    "auth": ("""token: 'dlt.secrets["token"]'""", "token: ", "client.auth.token"),
    "header": ("Accept: application/json", "", "client.headers"),
    "description": ("description: E", "description: ", "description"),
    "path": ("path: /items", "path: ", "endpoint.path"),
    "parameter": ("page_size: 5", "", "endpoint.params"),
    "resource's header": ("X-Kind: plain", "", "endpoint.headers"),
    "column": ("id: bigint\n", "id: bigint\n      ", "columns"),
}


def load(text: str) -> Source:
    return spec.load_text(text, name="shop", file="shop.yaml")


def put(place: str, text: str) -> tuple[str, int]:
    """SHOP with ``text`` at a place, and the line it is in."""
    old, key, _ = PLACES[place]
    at = SHOP.rindex(old) if place == "column" else SHOP.index(old)
    return SHOP[:at] + key + text + SHOP[at + len(old) :], (SHOP[:at] + key).count("\n") + 1


def told(error: BaseException) -> str:
    """All that an error and what hangs on it could print."""
    chain = [error]
    while (following := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(following)
    frames = "".join(traceback.format_exception_only(error)).splitlines()
    return "\n".join([*(f"{e} {e!r} {vars(e)}" for e in chain), *frames])


# put together here, so that no scanner takes this file for a leak
CHARS = (
    "".join(f"{a}{b}{c}" for a, b, c in zip("aKzQmWxT", "93715208", "RbYdHcLf", strict=True)) * 2
)
HEX = "9f86d081884c7d659a2feaa0c55ad015"
USER = base64.b64encode(b"shop:hunter2").decode()
JWT = ".".join(["ey" + "JhbGciOiJIUzI1NiJ9", "ey" + "JzdWIiOiIxMjM0In0", CHARS])
KNOWN = {
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "bearer": "Bearer " + CHARS[:24],
    "basic": "Basic " + USER,
    "jwt": JWT,
    "cloud": "AKI" + "AIOSFODNN7EXAMPLE",
    "forge": "ghp" + "_" + CHARS[:36],
    "forge, fine-grained": "github" + "_pat_" + CHARS,
    "chat": "xox" + "b-1234567890-" + CHARS[:12],
    "payments": "sk" + "_live_" + CHARS[:24],
    "maps": "AI" + "za" + CHARS[:35],
    "another forge": "glpat" + "-" + CHARS[:20],
}
NAMED = [
    "Authorization", "PROXY-AUTHORIZATION", "Cookie", "X-Api-Key", "x_api_key", "api_key", "apikey", "apiKey",
    "application_key", "DD-APPLICATION-KEY", "access_token", "accessToken", "X-Auth-Token", "token", "Secret",
    "client_secret", "clientSecret", "password", "db-password", "passwd", "private_key", "signature",
    "X-Amz-Signature", "auth[token]", "Subscription-Key", "PRIVATE-TOKEN", "refresh_token", "secretkey",
]  # fmt: skip
NO_NAMES = [
    "page_token", "next_page_token", "pageToken", "page-token", "page[token]", "continuation_token", "cursor",
    "sync_token", "primary_key", "sort_key", "key", "keys", "token_type", "max_tokens", "tokens", "design",
    "password_changed_at", "author", "secretary", "monkey", "cookies_accepted", "partition_key",
]  # fmt: skip

# where -> the text, the key that is named, and the value that is not
FOUND: list[tuple[str, str, str, str]] = [
    *[(place, f"'{value}'", PLACES[place][2], value) for value in KNOWN.values() for place in ("source description", "description", "path")],
    *[("column", f"x: {{data_type: text, description: '{value}'}}", "columns.x.description", value) for value in KNOWN.values()],
    *[("header", f"X-Any: '{value}'", "client.headers.X-Any", value) for value in (*KNOWN.values(), HEX, CHARS, f"Token {CHARS}")],
    *[("parameter", f"any: '{value}'", "endpoint.params.any", value) for value in (*KNOWN.values(), HEX, CHARS)],
    *[("header", f"{name}: xyzzy", f"client.headers.{name}", "xyzzy") for name in NAMED if "[" not in name],
    *[("resource's header", f"{name}: xyzzy", f"endpoint.headers.{name}", "xyzzy") for name in ("Authorization", "x-api-key")],
    *[("parameter", f"'{name}': xyzzy", f"endpoint.params.{name}", "xyzzy") for name in NAMED],
    ("auth", "xyzzy", "client.auth.token", "xyzzy"),
    ("auth", "831742", "client.auth.token", "831742"),
    ("auth", "{value: xyzzy}", "client.auth.token.value", "xyzzy"),
    ("auth", "'dlt.secrets[xyzzy]'", "client.auth.token", "xyzzy"),
    ("auth", '\'dlt.secrets["token"]\', password: xyzzy', "client.auth.password", "xyzzy"),
    ("header", "Authorization: '${XYZZY}'", "client.headers.Authorization", "XYZZY"),
    ("header", "Authorization: '{{ XYZZY }}'", "client.headers.Authorization", "XYZZY"),
    ("header", "Authorization: 'Bearer dlt.secrets[\"xyzzy\"]'", "client.headers.Authorization", "xyzzy"),
    ("header", "X-Any: {type: secret, key: any, default: xyzzy}", "client.headers.X-Any.default", "xyzzy"),
    ("header", "X-Api-Key: {type: config, key: any, default: xyzzy}", "client.headers.X-Api-Key.default", "xyzzy"),
    ("parameter", "token: [831742]", "endpoint.params.token.0", "831742"),
    ("parameter", f"any: [a, '{HEX}']", "endpoint.params.any.1", HEX),
    ("parameter", f"any: {{type: config, key: any, default: {HEX}}}", "endpoint.params.any.default", HEX),
    ("parameter", "any: https://shop:xyzzy@example.com", "endpoint.params.any", "xyzzy"),
    ("base_url", "https://shop:xyzzy@api.example.com/v1", "client.base_url", "xyzzy"),
    ("base_url", "https://xyzzy@api.example.com/v1", "client.base_url", "xyzzy"),
    ("base_url", "https://api.example.com/v1?api_key=xyzzy", "client.base_url", "xyzzy"),
    ("base_url", "'https://api.example.com/v1?a=b&access%5Ftoken=xyzzy'", "client.base_url", "xyzzy"),
    ("path", "/items?client_secret=xyzzy", "endpoint.path", "xyzzy"),
    ("path", "'/items#token=xyzzy'", "endpoint.path", "xyzzy"),
    ("header", f"'{KNOWN['forge']}': x", "client.headers....", KNOWN["forge"]),
    ("column", f"'{KNOWN['forge']}': text", "columns....", KNOWN["forge"]),
]  # fmt: skip


@pytest.mark.parametrize(("place", "text", "key", "value"), FOUND)
def test_a_secret_is_an_error_that_does_not_show_it(
    place: str, text: str, key: str, value: str
) -> None:
    written, line = put(place, text)
    with pytest.raises(CatalogError, match="a secret does not belong into a catalog file") as caught:  # fmt: skip
        load(written)
    error = caught.value
    assert (error.file, error.line, error.key) == ("shop.yaml", line, key)
    assert str(error).startswith(f"shop.yaml:{line}: ")
    assert "dlt.secrets[" in str(error)
    assert "type: secret" in str(error) or place == "auth"
    assert value not in told(error)
    assert value not in str(error.args)


FINE = {
    "auth": ["'dlt.secrets[\"a.b\"]'", "'dlt.config[\"token\"]'"],
    "header": [
        "X-Api-Key: 'dlt.secrets[\"key\"]'", "Authorization: {type: secret, key: token, optional: true}",
        "Cookie: {type: config, key: cookie}", "User-Agent: analytics-sync/1.0 (+https://example.com/about)",
        "Accept: application/vnd.example.organization-members.v2+json; charset=utf-8",
    ],
    "parameter": [
        "token: {type: secret, key: token}", "api_key: {type: config, key: api_key, optional: true}",
        "include_token: true", "with_secret: 'false'", "token: ''", "token: null", "wildcard: 'dlt.config[\"wildcard\"]'",
        "workspace: 123e4567-e89b-12d3-a456-426614174000", "range: 2024-01-01T00:00:00Z/2024-02-01T00:00:00Z",
        "fields: id,createdAt,updatedAt,organizationMembershipsV2,roles", f"zeros: '{'0' * 32}'",
        "view: organizationMembershipsAndRolesV2OfLast90Days", "view: all-members-and-all-roles-of-the-last-90-days",
        *(f"'{name}': abc" for name in NO_NAMES),
    ],
    "path": ["/tokens/{token}/keys/{api_key}"],
    "base_url": ["https://api.example.com/oauth/token?token_type=x&page_token=y", "https://${HOST}/v1"],
    "column": ["token: text", "password: {data_type: text, description: The password. It is a Bearer token., null_as: none}"],
    "description": [
        "API tokens and their secrets", "Sent as Bearer authentication-as-described-elsewhere", "Basic information of a user",
        "'Authorization: Bearer <token>'", "Basic authentication", "sk_live_ and ghp_ start a secret", f"Commit {HEX}",
        "mail@example.com", "password=abc",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("place", "text"), [(p, t) for p, texts in FINE.items() for t in texts])
def test_what_only_talks_of_secrets_is_fine(place: str, text: str) -> None:
    load(put(place, text)[0])


def test_names_of_cursors_and_fields_are_no_values() -> None:
    load(
        SHOP.replace("paginator: single_page", "paginator: {type: cursor, cursor_path: token, cursor_param: token}")
        .replace("resources:\n", "resources:\n  - {name: token, primary_key: api_key, endpoint: {path: /tokens}, columns: {api_key: text, secret: text}, required: [secret]}\n")
        .replace("page_size: 5", "token: {type: resolve, resource: token, field: api_key, config: password}")
        .replace("      id: bigint\n", "      id: bigint\n      token: text\n    include_from_parent: {token: api_key}\n    skip_parents: {secret: [abc]}\n")
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_a_name_that_says_so(name: str) -> None:
    assert names_a_secret(name)
    assert names_a_secret(name.lower().replace("_", "-")) == names_a_secret(name.lower())


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_does_not(name: str) -> None:
    assert not names_a_secret(name)


def test_what_ships_and_what_it_was_made_from_hold_no_secret() -> None:
    assert len(load_catalog()) == 5
    if len(FILES) == len(NAMES):
        assert [spec.load_file(path, name=n).name for path, n in zip(FILES, NAMES, strict=True)] == [*NAMES]  # fmt: skip


def test_check_and_the_definitions_refuse_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.yaml").write_text(put("auth", "xyzzy")[0])
    assert main(["check", str(tmp_path / "shop.yaml")]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("shop.yaml:5: client.auth.token: a secret does not belong")
    assert "SOURCES__SHOP__TOKEN" in printed.err
    assert "xyzzy" not in printed.out + printed.err
    with pytest.raises(CatalogError, match="a secret") as caught:
        load_catalog(catalog_files(tmp_path))  # what analytics_sync.definitions does
    assert "xyzzy" not in told(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        SHOP.replace("page_size: 5", "page_size: !!int xyzzy"),
        SHOP.replace("headers:\n    Accept", "read_timeout: xyzzy: b\n  headers:\n    Accept"),
        SHOP.replace("token: 'dlt.secrets[\"token\"]'", "xyz: [xyzzy]"),
        SHOP.replace("{type: bearer, token: 'dlt.secrets[\"token\"]'}", "xyzzy"),
    ],
)
def test_other_errors_near_a_secret_do_not_show_it(text: str) -> None:
    with pytest.raises(CatalogError) as caught:
        load(text)
    assert "xyzzy" not in told(caught.value)


# --- Python ----------------------------------------------------------------------------------

CONFIG = """
import pathlib
pathlib.Path({mark!r}).touch()
config = {{
    "client": {{"base_url": "https://api.example.com", "auth": {{"token": {token}}}}},
    "resources": [{{"name": "items", "primary_key": "id", "endpoint": "items"}}],
}}
"""


def test_convert_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark, file = tmp_path / "mark", tmp_path / "shop.py"
    for token, status in (
        ('dlt.secrets["t"]', 0), (f"open({str(mark)!r}, 'w')", 2), ('f"x{xyzzy}"', 2), ('"xyz" + "xyzzy"', 2),
        ('"xyzzy"', 2), ('"xyzzy" "', 2), ('b"xyzzy"', 2), ("dlt.secrets[open('xyzzy')]", 2), ("-" * 5000 + "1", 2),
        ("[" * 150 + "]" * 150, 2), ("\0", 2),
    ):  # fmt: skip
        file.write_text(CONFIG.format(mark=str(mark), token=token))
        assert main(["convert", str(file)]) == status, token
        printed = capsys.readouterr()
        assert bool(printed.out) == (status == 0)
        assert "xyzzy" not in printed.out + printed.err, token
        if status:
            with pytest.raises(CatalogError) as caught:
                spec.load_file(file)
            assert "xyzzy" not in told(caught.value)
    assert not mark.exists()


# --- YAML ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system [exit]", "!!python/object/new:os.system [exit]", "!!python/name:os.system ''",
        "!!python/module:os ''", "!!python/object/apply:os.system:map {a: b}", "!!python/tuple [a]", "!x:str a", "!ENV a",
        "!!binary aGk=", "!!set {a}", "!!omap [a: b]", "{!!python/name:os.system x: a}", "{? [a, b] : c}", "{? {a: b} : c}",
        "!!bool maybe", "!!int ''", "!!int five", "!!float ''", "!!map a", "!!seq a", "!!int [a]", "!!seq {a: b}", "0x" + "f" * 5000, "9" * 5000,
        ":".join("1" * 5000), "'\\ud800' \"\\ud800\"", "&a [*a]", "*nowhere",
    ],
)  # fmt: skip
@pytest.mark.parametrize("pure", [False, True], ids=["libyaml", "python"])
def test_yaml_builds_nothing_but_plain_data(
    text: str, pure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if pure:
        monkeypatch.setattr("analytics_sync.catalog.yaml_config._Loader", yaml.SafeLoader)
    with pytest.raises(CatalogError) as caught:
        load(SHOP.replace("page_size: 5", f"page_size: {text}"))
    assert caught.value.line in (0, 14)


def test_nothing_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSH", "filled")
    texts = ["${HUSH}", "$HUSH", "{{ env.HUSH }}", "%(HUSH)s", "<%= HUSH %>", "env:HUSH", "{HUSH}"]
    params = "".join(f"        p{i}: '{text}'\n" for i, text in enumerate(texts))
    source = load(SHOP.replace("        page_size: 5\n", params))
    assert [*source.resources["items"].params.values()] == texts
    for path in ("/a/${HUSH}", "/a/{{ HUSH }}", "/a/{{HUSH}}"):
        with pytest.raises(CatalogError, match="there are no templates"):
            load(SHOP.replace("path: /items", f"path: '{path}'"))


def lol(start: str, item: str, levels: int) -> str:
    rows = [f"l0: &l0 {start}", *(f"l{i}: &l{i} [{', '.join([item.format(i - 1)] * 10)}]" for i in range(1, levels))]  # fmt: skip
    return "\n".join(rows) + "\n"


BOMBS: dict[str, Any] = {
    "billion laughs": lol("[lol, lol]", "*l{}", 12),
    "billion laughs as mappings": lol("{a: lol}", "{{? a : *l{0}, b: *l{0}}}", 12),
    "as a key": lol("[lol, lol]", "*l{}", 12) + "? *l11\n: x\n",
    "long text, often": f"a: &a {'x' * 400_000}\nb: [{'*a, ' * 90_000}]\n",
    "huge": SHOP + "#" * 1_100_000,
    "many values": SHOP.replace("page_size: 5", f"a: [{'1,' * 200_000}]"),
    **{f"deep {i}": "a: " + sign * (500_000 // len(sign)) for i, sign in enumerate(("[", "{a: ", "- ", "? ", "&a [", "[{"))},
    "deep, closed": "a: " + "[" * 100_000 + "]" * 100_000,
    "deep lines": "\n".join(" " * i + "a:" for i in range(1200)),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_an_error_soon(name: str) -> None:
    begun = time.monotonic()
    with pytest.raises(CatalogError) as caught:
        load(BOMBS[name])
    assert time.monotonic() - begun < 5
    assert len(str(caught.value)) < 1000


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(CatalogError, match="longer than"):
        spec.load_file(Path("/dev/zero"))


def test_python_of_any_size_is_an_error_soon() -> None:
    for text in ("#" * 1_100_000, "(" * 100_000, "x = " + "-" * 100_000 + "1", "a." * 300_000):
        begun = time.monotonic()
        with pytest.raises(CatalogError):
            pyconfig.parse_python(text, "x.py")
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("text", ["a" * 1_000_000, "eyJ" * 300_000, "bearer " * 140_000, "basic " * 160_000, "://" * 300_000, "?a" * 400_000, "ghp_" * 250_000, "A1b" * 300_000])  # fmt: skip
def test_looking_takes_time_in_proportion(text: str) -> None:
    begun = time.monotonic()
    looks_secret(text)
    looks_random(text)
    names_a_secret(text)
    assert time.monotonic() - begun < 5
