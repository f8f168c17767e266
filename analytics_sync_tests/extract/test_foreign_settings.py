"""Settings that another user has written: they would send credentials where that user wants.

In: a folder where everybody can create files, and settings in it. Out: an error that names the file, and
no request.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analytics_sync_tests.support.scripted_api import Api, other_api
from analytics_sync_tests.support.world import ROOT

api = other_api

READ = """
import os, sys
from analytics_sync.catalog import load_text
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.destination import make_destination
CATALOG = '''
source: shop
client: {auth: {type: bearer, token: 'dlt.secrets["token"]'}}
resources:
  - {name: items, primary_key: id, columns: {id: bigint}, endpoint: {path: /items, paginator: single_page}}
'''
try:
    with ReadRun(load_text(CATALOG, name="shop", file="shop.yaml")) as run:
        print(run.failures() or "read")
except Exception as e:
    print(type(e).__name__, e)
try:
    make_destination()
    print("destination")
except Exception as e:
    print(type(e).__name__, e)
"""


@pytest.fixture
def folder(tmp_path: Path, api: Api) -> Path:
    """A folder for everybody, with an address in its settings."""
    api.on("/items", [{"id": 1}])
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    settings = folder / ".dlt"
    settings.mkdir()
    (settings / "config.toml").write_text(f'[sources.shop]\nbase_url = "{api.url}"\n')
    return folder


def read(folder: Path) -> list[str]:
    environment = {**os.environ, "SOURCES__SHOP__TOKEN": "a-secret-token", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", READ], env=environment, cwd=folder,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("entry", [".dlt", ".dlt/config.toml"])
def test_settings_of_another_user_send_nothing(folder: Path, api: Api, entry: str) -> None:
    (folder / ".dlt").chmod(0o777)
    os.chown(folder / entry, 65534, 65534)
    problem = (
        f"dlt takes settings from {folder}/.dlt/config.toml, and {folder / entry} belongs to another "
        "user. Remove it, or set HOME to a folder of yours, and run again."
    )
    assert read(folder) == [f"MissingSetting shop: {problem}", f"LoadError {problem}"]
    assert api.seen == []


def test_settings_of_this_user_are_used(folder: Path, api: Api) -> None:
    assert read(folder) == ["read", "destination"]
    assert api.paths() == ["/items"]
