"""Fixtures of the tests of proposals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from analytics_sync.catalog import Source, load_text
from analytics_sync.cli import main
from analytics_sync_tests.support.scripted_api import Api, other_api, serve

__all__ = ["other_api"]  # a second server, to which no request may be sent


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """A server, of which the environment says nothing."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serve() as served:
        yield served


Infer = Callable[..., str]


@pytest.fixture
def infer(api: Api, capsys: pytest.CaptureFixture[str]) -> Infer:
    """Runs the command on a form of API, and returns the catalog file."""

    def run(handler: Any, *options: str, path: str = "/items", name: str = "items") -> str:
        if handler is not None:
            api.on(path, handler)
        assert main(["infer", f"{api.url}{path}", name, *options]) == 0
        return capsys.readouterr().out

    return run


def loaded(text: str) -> Source:
    """The source that a proposal declares."""
    return load_text(text, name="my_api", file="proposed.yaml")
