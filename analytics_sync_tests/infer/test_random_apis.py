"""A law over random APIs: a proposed paginator reads every record, and one that is not proposed says so.

In: APIs of random forms. Out: the rows of a read with the proposal.
"""

from __future__ import annotations

from random import Random

import pytest

from analytics_sync.catalog import load_text
from analytics_sync.common.errors import Place
from analytics_sync.extract.run import ReadRun
from analytics_sync.infer.asking import Asker
from analytics_sync.infer.document import new_document
from analytics_sync.infer.proposing import propose
from analytics_sync.infer.sources import new_source
from analytics_sync_tests.infer.random_api import RandomApi
from analytics_sync_tests.support.scripted_api import Api, rows_of


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_a_proposed_paginator_reads_every_record(seed: int, api: Api) -> None:
    proposed = 0
    for number in range(25):
        form = RandomApi(Random(1000 * seed + number))
        api.on("/things", form)
        asked = new_source(f"{api.url}/things", "random", "things", {})
        place = Place("random", "things")
        with Asker(asked.source, asked.resource, 60, lambda _: None) as asker:
            proposal = propose(asker, place, asked.target)[0]
        text = new_document("random", asked.client, [proposal], "a test")
        if proposal.paginator.value is None:
            assert "# paginator, TODO: " in text
            continue
        with ReadRun(load_text(text, name="random", file="proposed.yaml")) as run:
            assert run.failures() == {}, (number, proposal.paginator, form.kind)
            result = run.result("things")
            assert len(rows_of(result)) == len(form.records), (
                number,
                proposal.paginator,
                form.kind,
            )
            assert result.findings.of("complete") == [], (number, proposal.paginator, form.kind)
        proposed += 1
    assert proposed >= 5
