"""Secret leaks: no credential shows up in any sink, however the run fails.

In: runs with a canary in place of each credential. Out: no form of a canary in output, logs, files,
Dagster's storage, GraphQL or the warehouse.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analytics_sync_tests.support.canary_failures import FAILURES
from analytics_sync_tests.support.canary_sources import CANARIES, SOURCES, forms_of
from analytics_sync_tests.support.encoders import decoded
from analytics_sync_tests.support.scripted_api import Api, other_api, shop_api
from analytics_sync_tests.support.secret_canaries import CanaryRun

here = shop_api
away = other_api

FAST = {"killed in the load"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in FAST else pytest.mark.slow) for n in FAILURES]
)
def test_no_secret_is_in_any_sink(name: str, here: Api, away: Api, tmp_path: Path) -> None:
    failure = FAILURES[name]
    sinks = list(CanaryRun(tmp_path, failure, here, away).sinks())
    assert len(sinks) >= 8
    hits = [
        f"{canary} in {sink}: ...{text[max(0, text.find(form) - 60) : text.find(form) + 40]!r}"
        for canary, secret in CANARIES.items()
        for form in forms_of(secret)
        for sink, text in sinks
        if form in text
    ]
    if name.startswith("records"):
        hits += _hits_by_decoding("\n".join(text for sink, text in sinks if sink == "tables"))
    assert not hits, f"{len(hits)}\n" + "\n".join(hits[:20])
    assert away.seen == [], "no request goes to another server"
    if failure.answer is not None and name != "no certificate":
        expected = 1 if failure.is_killed else len(SOURCES)
        assert len(here.seen) >= expected, "every source is requested"


def _hits_by_decoding(text: str) -> list[str]:
    """The canaries that a text holds once it is decoded."""
    texts = list(decoded(text))
    return [name for name, secret in CANARIES.items() if any(secret in text for text in texts)]


_NO_REDACTION = """
import analytics_sync.common.redaction as redaction
redaction.Redactor.__call__ = lambda self, text: text
redaction.Redactor.data = lambda self, raw, *_: raw
redaction.Redactor.data_text = lambda self, text: text
"""


@pytest.mark.slow
def test_the_search_finds_secrets_that_are_not_redacted(
    here: Api, away: Api, tmp_path: Path
) -> None:
    """A search that never finds a secret would pass all other tests."""
    failure = replace(FAILURES["records that repeat it"], code=_NO_REDACTION)
    found = {
        (canary, sink.partition(":")[0])
        for sink, text in CanaryRun(tmp_path, failure, here, away).sinks()
        for canary, secret in CANARIES.items()
        if any(form in text for form in forms_of(secret))
    }
    # The password is sent only within the pair of user name and password.
    sent = set(CANARIES) - {"database", "password"}
    assert {canary for canary, sink in found if sink == "tables"} >= sent
    assert {"tables", "warehouse file", "standard error"} <= {sink for _, sink in found}
