"""Tests of the manners themselves: they change what a client gets, and only for their resource."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import orjson
import pytest

from analytics_sync.catalog import load_catalog, load_text
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync.sandbox.manners import MANNERS
from analytics_sync.sandbox.manners.manner import Subject
from analytics_sync_tests.support.paths_source import PATHS
from analytics_sync_tests.support.shop_source import END, SHOP, START, Client

SHOP_SOURCE = load_text(SHOP, name="shop", file="shop.yaml")
PATHS_SOURCE = load_text(PATHS, name="paths", file="paths.yaml")
SOURCES = [SHOP_SOURCE, PATHS_SOURCE, *load_catalog().values()]
OPTIONS = Options(rows=12, rows_per_day=6, max_page=5, start=START, end=END)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of the source ``shop``."""
    with Sandbox([SHOP_SOURCE], OPTIONS) as made:
        yield made


def test_every_manner_fits_a_resource() -> None:
    subjects = [Subject(s, r, OPTIONS) for s in SOURCES for r in s.resources.values()]
    for name, manner in MANNERS.items():
        assert any(manner.fits(subject) for subject in subjects), name
        assert manner.about.endswith("."), name
        assert "\n" not in manner.about, name
    assert len(MANNERS) >= 60


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no-such", "no manner 'no-such'; known: "),
        ("end-is-null=shop/nothing", "no resource 'shop/nothing'"),
        ("end-is-null=shop/numbered", "end-is-null cannot show at shop/numbered"),
    ],
)
def test_a_wrong_name_is_an_error(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sandbox([SHOP_SOURCE], OPTIONS, manners=[name])


def test_a_manner_changes_its_resource_only(sandbox: Sandbox) -> None:
    client = Client(sandbox)
    honest = {name: client.get(f"v1/{name}") for name in ("numbered", "links", "audit")}
    sandbox.use_manners(["extra-envelope=shop/links"])
    assert client.get("v1/numbered") == honest["numbered"]
    assert client.get("v1/links") == {"response": honest["links"]}
    sandbox.use_manners(["extra-envelope"])
    assert client.get("v1/audit") == {"response": honest["audit"]}
    sandbox.use_manners([])
    assert client.get("v1/links") == honest["links"]


def test_manners_of_one_resource_add_up(sandbox: Sandbox) -> None:
    client = Client(sandbox)
    sandbox.use_manners(
        ["records-deeper=shop/tokens", "page-size-capped=shop/tokens", "unavailable-first"]
    )
    assert client.status("v1/tokens") == 502
    assert len(client.get("v1/tokens")["items"]["items"]) == 3


def test_a_gap_leads_to_the_next_page(sandbox: Sandbox) -> None:
    client = Client(sandbox)
    honest = [r for page in client.read_pages("links") for r in page]
    sandbox.use_manners(["empty-page-inside=shop/links"])
    pages = client.read_pages("links")
    assert [] in pages
    assert [r for page in pages for r in page] == honest


def test_long_numbers_keep_their_digits(sandbox: Sandbox) -> None:
    sandbox.use_manners(["long-numbers"])
    client = Client(sandbox)
    body = client.raw(client.url("v1/numbered")).data
    assert b'"zz_long":[1234567890123456.78,123456789012345678901234567890,' in body


def test_a_charset_is_declared(sandbox: Sandbox) -> None:
    sandbox.use_manners(["utf-16"])
    client = Client(sandbox)
    response = client.raw(client.url("v1/numbered"))
    assert response.headers["Content-Type"] == "application/json; charset=utf-16"
    assert orjson.loads(response.data.decode("utf-16"))["data"][0]["zz_name"] == "Zoë"


def test_every_second_attempt_succeeds(sandbox: Sandbox) -> None:
    sandbox.use_manners(["forbidden-with-retry-after=shop/numbered"])
    client = Client(sandbox)
    responses = [client.raw(client.url("v1/numbered")) for _ in range(4)]
    assert [r.status for r in responses] == [403, 200, 403, 200]
    assert responses[0].headers["Retry-After"] == "2"


def test_the_command_lists_all_manners() -> None:
    command = [sys.executable, "-m", "analytics_sync.sandbox"]
    listed = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    for name, manner in MANNERS.items():
        assert f"  {name} " in listed.stdout
        assert manner.promise in listed.stdout
    wrong = subprocess.run([*command, "--manner", "x"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "no manner 'x'" in wrong.stderr
