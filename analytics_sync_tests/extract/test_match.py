"""``match`` of a parameter: the group that Python's ``re`` finds, in linear time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import pytest

from analytics_sync.catalog.errors import CatalogError
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api
from analytics_sync_tests.support.world import ROOT

api = shop_api

TEXTS = [
    "gh/acme/web", "gh/acme/web\n", "no slash", "", "a1b22c333", "٣٤-५", "Zürich_4/ü", "x y\u00a0z\u2003",
    "(brackets) [a] {2} ^$.*+?|\\", "aaaaaaaaaa", "A-b_C", "é", "\U0001f600 smile", "a,b;c", "]-&&[",
]  # fmt: skip
PATTERNS = [
    r"^(.+)/[^/]+$", r"^.+/([^/]+)$", r"(\d+)", r"(\D+)$", r"(\w+)", r"(\W)", r"(\s)", r"(\S+)\s", r"([\w-]+)$",
    r"(.)$", r"(.)\Z", r"^(?P<name>[^/]*)", r"(?i)(B.C)", r"([^\d\s]+)\d", r"(?:a|(b))22", r"(a{,3})a", r"(a{2,4}?)",
    r"([]a])", r"([^]]+)\]", r"(\[\w\])", r"(\u00e9)", r"([\u00fc-\u00ff])", r"(?s)(.+)", r"(?m)(web$)", r"(\$)", r"([$&|~-]+)",
]  # fmt: skip


def source(pattern: str, **client: Any) -> Any:
    match = {"type": "resolve", "resource": "items", "field": "text", "match": pattern}
    kids = item({"path": "/kids", "params": {"v": match}}, name="kids")
    return shop(item(columns={"id": "bigint", "text": "text"}), kids, **client)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_group_is_the_one_that_python_finds(api: Api, pattern: str) -> None:
    api.on("/items", [{"id": n, "text": text} for n, text in enumerate(TEXTS)])
    api.on("/kids", [])
    found = [match[1] for text in TEXTS if text and (match := re.search(pattern, text))]
    assert found
    sent = {value for value in found if value and value.isprintable()}
    if sent != set(found):  # a value that no request can hold ends the read
        api.on("/items", [{"id": 1, "text": t} for t in TEXTS if _is_sendable(pattern, t)])
    outcome = read(source(pattern))
    assert not outcome.failures
    assert {query["v"] for query in api.queries("/kids")} == sent


def _is_sendable(pattern: str, text: str) -> bool:
    match = re.search(pattern, text)
    return match is None or bool(match[1] and match[1].isprintable())


READ = """
import sys
from analytics_sync.catalog import load_text
from analytics_sync.extract.run import ReadRun
with ReadRun(load_text(sys.argv[1], name="shop", file="shop.yaml")) as run:
    print(run.failures())
"""


@pytest.mark.parametrize(
    "pattern", [r"^((?:a+)+)/x$", r"^((?:a|a)+)$", r"(a*a*a*a*a*)b", r"^((?:a?){60}a{60})$"]
)
def test_no_text_makes_a_pattern_slow(api: Api, pattern: str) -> None:
    """With Python's ``re``, each of these takes longer than a life."""
    api.on("/items", [{"id": n, "text": "a" * 50 + "a" * 500 * n + "!"} for n in range(20)])
    match = {"type": "resolve", "resource": "items", "field": "text", "match": pattern}
    kids = item({"path": "/kids", "params": {"v": match}}, name="kids")
    text = json.dumps(
        {"client": {}, "resources": [item(columns={"id": "bigint", "text": "text"}), kids]}
    )
    # A thread could not end the search: Python's ``re`` lets no other thread run.
    done = subprocess.run(
        [sys.executable, "-c", READ, text],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "{}\n"
    assert api.paths() == ["/items"]


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)(b)", "(?!a)(b)", "(?<=a)(b)", "(?<!a)(b)", r"(a)\1", "(?P<n>a)(?P=n)", "(a)(?(1)b|c)", "(?>a)(b)",
        "(a++)", "(a*+)", "(a?+)", "(a{1,2}+)", "(?x)(a)", r"([\W_])", "(a{1,2000})", "((?:a{1,99}){1,99})",
    ],
)  # fmt: skip
def test_a_pattern_that_may_be_slow_is_refused(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error:
        pytest.skip("not in this Python")
    with pytest.raises(CatalogError, match=r"params\.v\.match") as error:
        source(pattern)
    assert "regular expression" in str(error.value)


def test_half_a_character_is_no_crash(api: Api) -> None:
    """JSON may hold the half of a character, and no text for RE2 can."""
    api.on("/items", (200, {}, b'[{"id": 1, "text": "\\ud800/x"}, {"id": 2, "text": "b/y"}]'))
    api.on("/kids", [])
    read(source("([^/]+)$"))
    assert {"v": quote("y")} in api.queries("/kids")
