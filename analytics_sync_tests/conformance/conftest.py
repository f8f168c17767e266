"""The destinations that the suite runs against: those of this project, or the one of a settings file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics_sync_tests.support import mariadb_server, postgres_server, sqlite_file
from analytics_sync_tests.support.conformance import Target, settings_of
from analytics_sync_tests.support.scripted_api import serve

FILE = os.environ.get("CONFORMANCE_SETTINGS")
OURS = [
    "duckdb",
    *(pytest.param(n, marks=pytest.mark.slow) for n in ("depot", "postgres", "sqlite", "mariadb")),
]


@pytest.fixture(params=["yours"] if FILE else OURS)
def target(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Target]:
    """A dataset of its own in a destination."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name, value in _settings(request, tmp_path).items():
        monkeypatch.setenv(name, value)
    with serve() as api:
        made = Target(api, tmp_path)
        try:
            yield made
        finally:
            made.close()


def _settings(request: pytest.FixtureRequest, folder: Path) -> dict[str, str]:
    match request.param:
        case "yours":
            assert FILE is not None
            return settings_of(Path(FILE))
        case "duckdb":
            return {"DESTINATION__DUCKDB__CREDENTIALS": str(folder / "w.duckdb")}
        case "depot":  # the same kind under another name
            return {
                "ANALYTICS_SYNC__DESTINATION": "depot",
                "DESTINATION__DEPOT__DESTINATION_TYPE": "duckdb",
                "DESTINATION__DEPOT__CREDENTIALS": str(folder / "depot.duckdb"),
            }
        case "sqlite":
            return sqlite_file.settings(f"sqlite:///{folder / 'w.sqlite'}")
        case "mariadb":
            return mariadb_server.settings(request.getfixturevalue("mariadb").address)
    return postgres_server.settings(request.getfixturevalue("postgres").database())
