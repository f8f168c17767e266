"""Converts a program and gives what the command wrote."""

from __future__ import annotations

import contextlib
import io
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from analytics_sync.cli import main

HEAD = """
import os
import dlt
from dlt.sources.rest_api import RESTAPIConfig, rest_api_resources, rest_api_source
from dlt.sources.helpers.rest_client.auth import APIKeyAuth, BearerTokenAuth, HttpBasicAuth
from dlt.sources.helpers.rest_client import paginators
"""
HEAD_LINES = HEAD.count("\n")


@dataclass
class Converted:
    """The status, the catalog files, and the messages."""

    status: int
    text: str
    said: str

    @property
    def files(self) -> list[dict[str, Any]]:
        return list(yaml.safe_load_all(self.text))

    @property
    def file(self) -> dict[str, Any]:
        (only,) = self.files
        return only

    def resource(self, name: str) -> dict[str, Any]:
        return next(r for r in self.file["resources"] if r["name"] == name)


def convert(folder: Path, program: str, *options: str) -> Converted:
    """Convert ``program`` below the usual imports. Its first line is ``HEAD_LINES + 1``."""
    (folder / "shop.py").write_text(HEAD + textwrap.dedent(program).lstrip("\n"))
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["convert", str(folder / "shop.py"), *options])
    return Converted(status, out.getvalue(), err.getvalue())


def of_resource(keys: str, *, before: str = "") -> str:
    """A program with one resource ``items`` that has these keys."""
    return f"""{before}
rest_api_source({{
    "client": {{"base_url": "https://shop.example.com/v1"}},
    "resources": [{{"name": "items", "primary_key": "id", {keys}}}],
}})
"""
