"""The secret scan: a catalog file with a secret is refused, and the error does not show the secret."""

from __future__ import annotations

import base64
import traceback
from pathlib import Path

import pytest

from analytics_sync.catalog import (
    CatalogError,
    Source,
    catalog_files,
    load_catalog,
    load_file,
    load_text,
)
from analytics_sync.catalog.building.secret_patterns import looks_random, looks_secret
from analytics_sync.catalog.building.secret_scan import check_secrets, names_a_secret
from analytics_sync.cli import main
from analytics_sync_tests.catalog.test_seed_configs import FILES, NAMES
from analytics_sync_tests.support.growth import FACTOR, MAX_GROWTH, growth

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
# place -> the text of SHOP to replace, the start of its replacement, and the key that an error names
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
    return load_text(text, name="shop", file="shop.yaml")


def put(place: str, text: str) -> tuple[str, int]:
    """SHOP with ``text`` at a place, and the line of the text."""
    old, key, _ = PLACES[place]
    start = SHOP.rindex(old) if place == "column" else SHOP.index(old)
    before = SHOP[:start] + key
    return before + text + SHOP[start + len(old) :], before.count("\n") + 1


def all_text(error: BaseException) -> str:
    """All text that an error and its chained errors could print."""
    chain = [error]
    while (following := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(following)
    frames = "".join(traceback.format_exception_only(error)).splitlines()
    return "\n".join([*(f"{e} {e!r} {vars(e)}" for e in chain), *frames])


# Each secret is put together here, so that no scanner reports this file as a leak.
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
SECRET_NAMES = [
    "Authorization", "PROXY-AUTHORIZATION", "Cookie", "X-Api-Key", "x_api_key", "api_key", "apikey", "apiKey",
    "application_key", "DD-APPLICATION-KEY", "access_token", "accessToken", "X-Auth-Token", "token", "Secret",
    "client_secret", "clientSecret", "password", "db-password", "passwd", "private_key", "signature",
    "X-Amz-Signature", "auth[token]", "Subscription-Key", "PRIVATE-TOKEN", "refresh_token", "secretkey",
]  # fmt: skip
HARMLESS_NAMES = [
    "page_token", "next_page_token", "pageToken", "page-token", "page[token]", "continuation_token", "cursor",
    "sync_token", "primary_key", "sort_key", "key", "keys", "token_type", "max_tokens", "tokens", "design",
    "password_changed_at", "author", "secretary", "monkey", "cookies_accepted", "partition_key",
]  # fmt: skip

# a place, a text for it, the key that the error names, and the value that the error does not show
FOUND: list[tuple[str, str, str, str]] = [
    *[(place, f"'{value}'", PLACES[place][2], value) for value in KNOWN.values() for place in ("source description", "description", "path")],
    *[("column", f"x: {{data_type: text, description: '{value}'}}", "columns.x.description", value) for value in KNOWN.values()],
    *[("header", f"X-Any: '{value}'", "client.headers.X-Any", value) for value in (*KNOWN.values(), HEX, CHARS, f"Token {CHARS}")],
    *[("parameter", f"any: '{value}'", "endpoint.params.any", value) for value in (*KNOWN.values(), HEX, CHARS)],
    *[("header", f"{name}: xyzzy", f"client.headers.{name}", "xyzzy") for name in SECRET_NAMES if "[" not in name],
    *[("resource's header", f"{name}: xyzzy", f"endpoint.headers.{name}", "xyzzy") for name in ("Authorization", "x-api-key")],
    *[("parameter", f"'{name}': xyzzy", f"endpoint.params.{name}", "xyzzy") for name in SECRET_NAMES],
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
    assert value not in all_text(error)
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
        *(f"'{name}': abc" for name in HARMLESS_NAMES),
    ],
    "path": ["/tokens/{token}/keys/{api_key}"],
    "base_url": ["https://api.example.com/oauth/token?token_type=x&page_token=y", "https://$HOST/v1", 'https://{dlt.config["host"]}/v1'],
    "column": ["token: text", "password: {data_type: text, description: The password. It is a Bearer token., null_as: none}"],
    "description": [
        "API tokens and their secrets", "Sent as Bearer authentication-as-described-elsewhere", "Basic information of a user",
        "'Authorization: Bearer <token>'", "Basic authentication", "sk_live_ and ghp_ start a secret", f"Commit {HEX}",
        "mail@example.com", "password=abc",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("place", "text"), [(p, t) for p, texts in FINE.items() for t in texts])
def test_text_about_secrets_is_no_secret(place: str, text: str) -> None:
    load(put(place, text)[0])


def test_names_of_cursors_and_fields_are_no_values() -> None:
    load(
        SHOP.replace("paginator: single_page", "paginator: {type: cursor, cursor_path: token, cursor_param: token}")
        .replace("resources:\n", "resources:\n  - {name: token, primary_key: api_key, endpoint: {path: /tokens}, columns: {api_key: text, secret: text}, required: [secret]}\n")
        .replace("page_size: 5", "token: {type: resolve, resource: token, field: api_key, config: password}")
        .replace("      id: bigint\n", "      id: bigint\n      token: text\n    include_from_parent: {token: api_key}\n    skip_parents: {secret: [abc]}\n")
    )  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_that_names_a_secret(name: str) -> None:
    assert names_a_secret(name)
    assert names_a_secret(name.lower().replace("_", "-")) == names_a_secret(name.lower())


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_a_name_that_names_no_secret(name: str) -> None:
    assert not names_a_secret(name)


def test_the_files_that_ship_and_their_seeds_hold_no_secret() -> None:
    assert len(load_catalog()) == 5
    if len(FILES) == len(NAMES):
        seeds = [load_file(path, name=n) for path, n in zip(FILES, NAMES, strict=True)]
        assert [seed.name for seed in seeds] == [*NAMES]


def test_check_and_the_definitions_refuse_a_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.yaml").write_text(put("auth", "xyzzy")[0])
    assert main(["check", str(tmp_path / "shop.yaml")]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("shop.yaml:5: client.auth.token: a secret does not belong")
    assert "SOURCES__SHOP__TOKEN" in printed.err
    assert "xyzzy" not in printed.out + printed.err
    with pytest.raises(CatalogError, match="a secret") as caught:
        load_catalog(catalog_files(tmp_path))  # as analytics_sync.definitions does
    assert "xyzzy" not in all_text(caught.value)


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
    assert "xyzzy" not in all_text(caught.value)


UNITS = ["a", "eyJ", "bearer ", "basic ", "://", "?a", "ghp_", "A1b"]


@pytest.mark.parametrize("unit", UNITS)
def test_the_time_of_a_scan_is_proportional_to_the_text(unit: str) -> None:
    def scan(text: str) -> None:
        looks_secret(text)
        looks_random(text)
        names_a_secret(text)
        check_secrets({"client": {"base_url": text}}, {}, source="shop", file="shop.yaml")

    assert growth(scan, lambda length: (unit * length)[:length]) < MAX_GROWTH, (
        f"{FACTOR} times the text"
    )
