"""Values of parents in the path of a request: percent-encoded, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

# value -> path as sent, without and with allow_slash; None is refused
PATHS: dict[Any, tuple[str | None, str | None]] = {
    "plain": ("plain", "plain"),
    7: ("7", "7"),
    True: ("true", "true"),
    "a b": ("a%20b", "a%20b"),
    "a/b": ("a%2Fb", "a/b"),
    "ä?#%": ("%C3%A4%3F%23%25", "%C3%A4%3F%23%25"),
    "a\\..\\b": ("a%5C..%5Cb", "a%5C..%5Cb"),
    "..": (None, None),
    ".": (None, None),
    "../admin": ("..%2Fadmin", None),
    "a/../../admin": ("a%2F..%2F..%2Fadmin", None),
    "a//b": ("a%2F%2Fb", None),
    "": (None, None),
    "a\nb": (None, None),
    "...": ("...", "..."),
}


@pytest.mark.parametrize("value", PATHS, ids=repr)
@pytest.mark.parametrize("slash", [False, True], ids=["encoded", "allow_slash"])
def test_values_in_a_path(api: Api, value: Any, slash: bool) -> None:
    expected = PATHS[value][slash]
    api.on("/items", [{"id": 1, "v": value}])
    api.on("*", {"id": 5})
    resolved = {"type": "resolve", "resource": "items", "field": "v", "allow_slash": slash}
    kids = item({"path": "/x/{v}/y", "params": {"v": resolved}}, name="kids")
    outcome = read(shop(item(columns={"id": "bigint", "v": "json"}), kids))
    if expected is None:
        assert "cannot be part of a path" in outcome.error("kids")
        assert api.paths() == ["/items"]
    else:
        assert outcome.ids("kids") == [5]
        assert api.seen[1].target == f"/x/{expected}/y"
