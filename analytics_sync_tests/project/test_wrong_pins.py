"""Pins that do not fit: the command of the Makefile installs nothing, and make stops.

In: an index of one folder with packages that are made here. Out: what ``make`` installs from it. No
other index is asked.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from analytics_sync_tests.support.world import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="without make")


def wheel(folder: Path, name: str, content: str, requires: str = "") -> str:
    """Make a package of one module, and return the hash of its file."""
    info = f"{name}-1.0.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    files = {
        f"{name}.py": content,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}"
        for path, text in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(inner, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Makefile and an environment without packages."""
    folder = tmp_path_factory.mktemp("pins")
    shutil.copy(ROOT / "Makefile", folder)
    subprocess.run([sys.executable, "-m", "venv", str(folder / ".venv")], check=True, timeout=120)
    return folder


def install(folder: Path, index: Path, requirements: str) -> tuple[bool, str, set[str]]:
    """Let make install requirements: whether it went well, its output, and the packages after it."""
    (folder / "requirements-pip.txt").write_text(requirements)
    (folder / ".venv" / ".pip").unlink(missing_ok=True)
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    done = subprocess.run(
        ["make", "--no-print-directory", ".venv/.pip"],
        cwd=folder,
        env=settings | {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    packages = next((folder / ".venv" / "lib").glob("python*/site-packages"))
    made = {path.stem for path in packages.glob("pin_*.py")}
    for path in packages.glob("pin_*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    is_done = (folder / ".venv" / ".pip").exists()
    assert is_done == (done.returncode == 0)
    return is_done, done.stdout + done.stderr, made


def test_a_package_with_its_hash_is_installed(environment: Path, tmp_path: Path) -> None:
    digest = wheel(tmp_path, "pin_a", "", requires="pin_b")
    wheel(tmp_path, "pin_b", "")
    is_done, output, made = install(environment, tmp_path, f"pin_a==1.0 --hash=sha256:{digest}\n")
    assert is_done, output
    assert made == {"pin_a"}, "a dependency that is not pinned is not installed"


WRONG = "0" * 64
# requirements with the right hash as HASH -> a part of pip's message
REFUSED = {
    "a wrong hash": (f"pin_a==1.0 --hash=sha256:{WRONG}", "DO NOT MATCH THE HASHES"),
    "the hash of another package": ("pin_b==1.0 --hash=sha256:HASH", "DO NOT MATCH THE HASHES"),
    "no hash": ("pin_a==1.0", "--require-hashes"),
    "one of two without a hash": ("pin_a==1.0 --hash=sha256:HASH\npin_b==1.0", "--require-hashes"),
    "a range of versions": ("pin_a>=1.0 --hash=sha256:HASH", "=="),
    "no version": ("pin_a --hash=sha256:HASH", "=="),
    "another version": ("pin_a==2.0 --hash=sha256:HASH", "No matching distribution"),
    "a weak hash": ("pin_a==1.0 --hash=md5:d41d8cd98f00b204e9800998ecf8427e", "md5"),
    "a file without a hash": ("./pin_a-1.0-py3-none-any.whl", "pin_a"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_pin_that_does_not_fit_stops_make(name: str, environment: Path, tmp_path: Path) -> None:
    requirements, message = REFUSED[name]
    digest = wheel(tmp_path, "pin_a", "")
    wheel(tmp_path, "pin_b", "x = 1")
    is_done, output, made = install(environment, tmp_path, requirements.replace("HASH", digest))
    assert not is_done
    assert message in output
    assert made == set()


def test_a_package_that_was_replaced_in_the_index_is_refused(
    environment: Path, tmp_path: Path
) -> None:
    digest = wheel(tmp_path, "pin_a", "")
    wheel(tmp_path, "pin_a", "print('replaced')")
    is_done, output, made = install(environment, tmp_path, f"pin_a==1.0 --hash=sha256:{digest}")
    assert not is_done
    assert "DO NOT MATCH THE HASHES" in output
    assert made == set()


def test_all_packages_are_installed_by_the_same_command() -> None:
    """What holds above for one file of pins holds for all of them."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [
        re.sub(r"\$\((LATEST|DG)\)/bin", "$(BIN)", line).split()
        for line in makefile.splitlines()
        if "--require-hashes -r" in line
    ]
    assert len({tuple(words[:-1]) for words in installs}) == 1
    assert installs[0][-1] == "requirements-pip.txt"
