"""No secret shows up anywhere, whatever goes wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analytics_sync_tests.support.scripted_api import Api, other_api, shop_api
from analytics_sync_tests.support.secret_canaries import CANARIES, KINDS, Canaries, traces_of

here = shop_api
away = other_api

SHORT = {"killed in the load"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in SHORT else pytest.mark.slow) for n in KINDS]
)
def test_no_secret_is_seen_anywhere(name: str, here: Api, away: Api, tmp_path: Path) -> None:
    sinks = list(Canaries(tmp_path, KINDS[name], here, away).run())
    assert len(sinks) >= 8
    hits = [
        f"{canary} in {sink}: ...{text[max(0, text.find(form) - 60) : text.find(form) + 40]!r}"
        for canary, secret in CANARIES.items()
        for form in traces_of(secret)
        for sink, text in sinks
        if form in text
    ]
    assert not hits, f"{len(hits)}\n" + "\n".join(hits[:20])
    assert away.seen == [], "nothing is sent elsewhere"
    if KINDS[name].answer is not None and name != "no certificate":
        assert len(here.seen) >= (1 if "killed" in name else 7), "every source was asked"


@pytest.mark.slow
def test_the_search_finds_what_is_not_hidden(here: Api, away: Api, tmp_path: Path) -> None:
    """A search that never finds anything would pass every other test."""
    blind = (
        "import analytics_sync.extract.redact as r\n"
        "r.Redactor.__call__ = lambda self, text: text\n"
        "r.Redactor.data = lambda self, raw: raw"
    )
    kind = replace(KINDS["records that repeat it"], before=blind)
    found = {
        (canary, sink.partition(":")[0])
        for sink, text in Canaries(tmp_path, kind, here, away).run()
        for canary, secret in CANARIES.items()
        if any(form in text for form in traces_of(secret))
    }
    sent = set(CANARIES) - {"database", "password"}  # only the pair of them is sent
    assert {canary for canary, sink in found if sink == "tables"} >= sent
    assert {"tables", "warehouse file", "standard error"} <= {sink for _, sink in found}
