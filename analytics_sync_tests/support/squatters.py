"""Names that another user of the machine has taken first.

In: a path. Out: something at that path which is not a private folder or file of this user. ``FOLDERS``
and ``FILES`` name the kinds. A test that runs as root gives what it makes to another user; no test can
do that without root, so some kinds need it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

_NOBODY = 65534
Squat = Callable[[Path], None]


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)


def fifo(path: Path) -> None:
    """A FIFO: to open it waits for a writer."""
    os.mkfifo(path, 0o666)
    _give_away(path)


def unix_socket(path: Path) -> None:
    """A socket."""
    before = Path.cwd()
    os.chdir(path.parent)  # the name of a socket has at most 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(before)
    _give_away(path)


def regular_file(path: Path) -> None:
    """A file."""
    path.write_bytes(b"of another user")
    _give_away(path)


def folder(path: Path) -> None:
    """A folder with an entry, for everybody."""
    path.mkdir()
    (path / "entry").write_bytes(b"")
    path.chmod(0o777)
    _give_away(path)


def open_folder(path: Path) -> None:
    """A folder of this user, for everybody."""
    path.mkdir()
    path.chmod(0o777)


def link(path: Path) -> None:
    """A link to a private folder of this user, with an old file."""
    target = path.parent / f"target of {path.name}"
    target.mkdir(mode=0o700)
    (target / "precious.journal").write_bytes(b"precious")
    os.utime(target / "precious.journal", (0, 0))
    path.symlink_to(target)
    _give_away(path)


def dangling_link(path: Path) -> None:
    """A link to a file that is missing."""
    path.symlink_to(path.parent / f"created through {path.name}")
    _give_away(path)


def link_to_file(path: Path) -> None:
    """A link to a file of this user."""
    path.symlink_to(_precious(path))
    _give_away(path)


def hard_link(path: Path) -> None:
    """A second name of a file of this user."""
    path.hardlink_to(_precious(path))


def readable_file(path: Path) -> None:
    """A file of this user that everybody can read and write."""
    path.write_bytes(b"")
    path.chmod(0o666)


def _precious(path: Path) -> Path:
    file = path.parent / f"precious {path.name}"
    file.write_bytes(b"precious")
    file.chmod(0o600)
    return file


def assert_untouched(root: Path) -> None:
    """Assert that no link was followed: the targets are as they were."""
    for file in root.rglob("*precious*"):
        if file.is_file() and not file.is_symlink():
            assert file.read_bytes() == b"precious", file
    assert not [*root.rglob("created through *")]


_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
_SLOW = pytest.mark.slow

FOLDERS = [
    pytest.param(folder, marks=_ROOT, id="foreign folder"),
    *(pytest.param(f, id=f.__name__) for f in (open_folder, fifo, link)),
    *(
        pytest.param(f, marks=_SLOW, id=f.__name__)
        for f in (unix_socket, regular_file, dangling_link, link_to_file)
    ),
]
FILES = [
    *(pytest.param(f, id=f.__name__) for f in (fifo, hard_link)),
    *(
        pytest.param(f, marks=_SLOW, id=f.__name__)
        for f in (unix_socket, readable_file, folder, dangling_link, link_to_file)
    ),
]
