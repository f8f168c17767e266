"""``completion``: a shell completes commands, options, choices and places."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analytics_sync_tests.support.world import ROOT

_TRY = """
source "$1"; shift
COMP_WORDS=(analytics-sync "$@"); COMP_CWORD=$#
_analytics_sync
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script for bash."""
    path = tmp_path_factory.mktemp("completion") / "completion.bash"
    command = [sys.executable, "-m", "analytics_sync.cli", "completion", "bash"]
    path.write_bytes(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    return path


def completed(script: Path, *words: str, cwd: Path = ROOT) -> list[str]:
    """What bash offers for the last word."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", _TRY, "bash", str(script), *words], cwd=cwd, env={**os.environ, "PATH": path},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["de"], ["demo", "dev", "describe", "destinations"]),
        pytest.param(
            ["schema", ""], ["-h", "--help", "diff", "heal", "reset"], marks=pytest.mark.slow
        ),
        (["schema", "h"], ["heal"]),
        pytest.param(["preview", "--ro"], ["--rows"], marks=pytest.mark.slow),
        pytest.param(["preview", "delivery/builds", "--d"], ["--days"], marks=pytest.mark.slow),
        (["plan", "--json", "--d"], ["--days"]),
        pytest.param(["completion", "z"], ["zsh"], marks=pytest.mark.slow),
    ],
)
def test_words_are_completed(words: list[str], offered: list[str], script: Path) -> None:
    assert sorted(completed(script, *words)) == sorted(offered)


def test_files_are_completed(script: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").touch()
    assert completed(script, "check", "sh", cwd=tmp_path) == ["shop.yaml"]


@pytest.mark.slow
def test_places_are_completed(script: Path) -> None:
    assert completed(script, "preview", "delivery/build") == ["delivery/builds"]
    assert "delivery" in completed(script, "run", "de")


@pytest.mark.slow
def test_places_are_looked_up_once_a_session(script: Path, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("analytics-sync")
    (calls := tmp_path / "calls").touch()
    session = f"""
        analytics-sync() {{ echo "$@" >> {calls}; {program} "$@"; }}
        source {script}
        COMP_WORDS=(analytics-sync preview delivery/build); COMP_CWORD=2
        _analytics_sync; _analytics_sync
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", session], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "delivery/builds\n"
    assert calls.read_text() == "list\n"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
def test_zsh_takes_its_script(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "analytics_sync.cli", "completion", "zsh"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (tmp_path / "completion.zsh").write_text(text)
    started = (
        "autoload -U compinit && compinit -u -D && source completion.zsh && whence _analytics_sync"
    )
    done = subprocess.run(
        ["zsh", "-f", "-c", started], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )  # fmt: skip
    assert done.stdout == "_analytics_sync\n"
