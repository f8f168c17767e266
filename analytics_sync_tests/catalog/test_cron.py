"""Cron expressions: what a catalog file accepts, Dagster's scheduler accepts.

The catalog checks them by rules of its own, because it does not import Dagster.
"""

from __future__ import annotations

from itertools import product

import pytest
from dagster._utils.schedules import is_valid_cron_schedule

from analytics_sync.catalog.config.cron import plain_cron

FIELDS = (
    ("0", "59", "60", "*/5", "5-10/2", "1,2", "5/7", "-1", "a"),
    ("*", "23", "24", "9-17", "17-9"),
    ("*", "1", "31", "0", "32", "L"),
    ("*", "2", "feb", "13", "jan-mar", "*/3"),
    ("*", "7", "sun", "8", "mon-fri", "5#2"),
)
ALIASES = (
    "@hourly",
    "@daily",
    "@midnight",
    "@weekly",
    "@monthly",
    "@yearly",
    "@annually",
    "@reboot",
)


def is_accepted(text: str) -> bool:
    try:
        plain_cron(text)
    except ValueError:
        return False
    return True


def test_an_accepted_expression_is_one_of_dagsters_scheduler() -> None:
    texts = [" ".join(fields) for fields in product(*FIELDS)]
    accepted = [plain_cron(text) for text in (*texts, *ALIASES) if is_accepted(text)]
    assert len(accepted) > 500
    assert [text for text in accepted if not is_valid_cron_schedule(text)] == []


@pytest.mark.parametrize(
    "text", ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 2 mon", "0 24 * * *", "@reboot", "0 0 * *"]
)
def test_what_never_comes_true_is_refused(text: str) -> None:
    assert not is_accepted(text)
