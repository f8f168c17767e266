"""The subcommand ``analytics-sync trouble``: switch trouble of a running sandbox on and off.

In: a kind, and a source or resource. Out: what is on, one line each, and an exit status.
The sandbox is that of ``make dev`` in this folder, or the one of ``--url``; it is on this machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3

from analytics_sync.commands.output import show

_SETTINGS = Path(".demo") / "sandbox.env"  # make dev writes the sandbox's address there
_LOCAL = {"127.0.0.1", "localhost", "::1"}
_TIMEOUT_SECONDS = 30
_START = "Start one with make dev in this folder, or name its address with --url."
_WRONG = 2


class _NoSandbox(Exception):
    """No running sandbox can be asked."""


def trouble(options: argparse.Namespace) -> int:
    """Switch trouble on or off, and print what is on; return the exit status.

    Args:
        options: ``kind`` (None lists, ``off`` ends), ``place``, ``seconds`` and ``url``.

    Returns:
        0 if it was done, 2 if no sandbox is running or it does not know the kind or the place.
    """
    try:
        active = _ask(options)
    except _NoSandbox as e:
        print(e, file=sys.stderr)
        return _WRONG
    show(options, {"trouble": active}, _lines(active))
    return 0


def _lines(active: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for item in active:
        length = f", {item['seconds']:g} s a response" if item["seconds"] else ""
        yield f"on: {item['kind']} at {item['place'] or 'all sources'}{length}"
    if not active:
        yield "no trouble is on"


def _ask(options: argparse.Namespace) -> list[dict[str, Any]]:
    base = _address(options.url)
    place = quote((options.place or "").strip("/"))
    method, path = "GET", "trouble"
    if options.kind == "off":
        method, path = "DELETE", f"trouble/{place}"
    elif options.kind is not None:
        method, path = "POST", f"trouble/{quote(options.kind, safe='')}/{place}"
    query = "" if options.seconds is None else f"?seconds={options.seconds}"
    address = f"{base}/_sandbox/{path.rstrip('/')}{query}"
    try:
        response = urllib3.request(method, address, retries=False, timeout=_TIMEOUT_SECONDS)
        answer = json.loads(response.data)
    except (urllib3.exceptions.HTTPError, ValueError) as e:
        raise _NoSandbox(f"no sandbox answers at {base}. {_START}") from e
    if response.status != 200:
        raise _NoSandbox(f"the sandbox at {base} refused: {'; '.join(answer['errors'])}")
    return list(answer)


def _address(url: str | None) -> str:
    """The address of the sandbox.

    Raises:
        _NoSandbox: It is not known, or it is that of another machine.
    """
    if url is None:
        url = _address_of_demo()
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in _LOCAL:
        raise _NoSandbox(f"{url!r} is no sandbox: expected http://127.0.0.1:PORT. {_START}")
    return f"http://{parts.netloc}"


def _address_of_demo() -> str:
    try:
        lines = _SETTINGS.read_text(encoding="utf-8").splitlines()
    except OSError as e:
        raise _NoSandbox(
            f"no sandbox has run in this folder: {_SETTINGS} is missing. {_START}"
        ) from e
    settings = (line.partition("=") for line in lines)
    address = next((url for name, _, url in settings if name.endswith("__BASE_URL")), None)
    if address is None:
        raise _NoSandbox(f"{_SETTINGS} has no address of a sandbox. {_START}")
    return address
