"""The one place that cuts secrets out of text, by value and before anything is shortened.

In: the secrets of a run, a text. Out: the text without them, also where they stand URL-encoded, in
base64, escaped as in JSON or a Python literal, or where somebody else has cut them in two. While a
run goes on, every log record of the process passes here, whichever library writes it.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, quote_plus

_MASK = "***"
_PART = 8  # characters of a secret that are telling
_LONG = 16  # a secret of so many is masked also where only a part of it is left


class Redactor:
    """Call it with a text; it masks every secret given at the start."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = secrets = frozenset(s for s in secrets if s)
        # the longest first, so that no rest of a secret stays behind
        ordered = sorted({f for s in secrets for f in _forms(s)}, key=len, reverse=True)
        # %2F and %2f are the same
        either = "|".join(map(re.escape, ordered))
        self._pattern = re.compile(either, re.IGNORECASE) if ordered else None
        self._long = [s for s in secrets if len(s) >= _LONG]
        # in data, a short word that is also somebody's key is more often just that word
        plain = {f for s in secrets if len(s) >= _PART for f in _forms(s)}
        self._in_data = [f.encode() for f in ordered if f in plain]

    def __call__(self, text: str) -> str:
        """``text`` with every secret, and every long part of one, replaced by ``***``."""
        if self._pattern is None:
            return text
        text = self._pattern.sub(_MASK, text)
        for secret in self._long:
            text = _without_parts(text, secret)
        return text

    def data(self, raw: bytes) -> bytes:
        """An answer without the secrets that it repeats: they would end up in a table.

        Secrets of less than 8 characters stay.
        """
        if any(form in raw for form in self._in_data):
            for form in self._in_data:
                raw = raw.replace(form, _MASK.encode())
        return raw

    def trace(self, error: BaseException) -> str:
        """The traceback of an error without secrets, to stand below a message."""
        return self("".join(traceback.format_exception(error)))

    @contextmanager
    def in_logs(self) -> Iterator[None]:
        """Mask secrets in everything that this process logs meanwhile, at any level."""
        with _lock:
            _active.append(self)
            if len(_active) == 1:
                _before.append(logging.getLogRecordFactory())
                logging.setLogRecordFactory(_record)
        try:
            yield
        finally:
            with _lock:
                _active.remove(self)
                if not _active:
                    factory = _before.pop()
                    if logging.getLogRecordFactory() is _record:
                        logging.setLogRecordFactory(factory)


_lock = threading.Lock()
_active: list[Redactor] = []
_before: list[Any] = []


def _record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """A log record whose message and traceback are already without secrets."""
    factory = next(iter(_before), logging.LogRecord)
    record: logging.LogRecord = factory(*args, **kwargs)
    try:
        text = record.getMessage()
        traced = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    except Exception:  # whoever logged it made a mistake, which logging will report
        return record
    masked, trace = text, traced
    for redactor in tuple(_active):
        masked, trace = redactor(masked), redactor(trace)
    if masked != text:
        record.msg, record.args = masked, ()
    if trace != traced:
        record.exc_info, record.exc_text = None, trace
    return record


def _forms(secret: str) -> set[str]:
    """How a secret may be written."""
    forms = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    forms |= {json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    once = json.dumps(secret)[1:-1]
    forms |= {once, json.dumps(once)[1:-1]}  # JSON as a text in JSON
    raw = secret.encode()
    for before in range(3):  # what stands before it in the same base64 text shifts its letters
        coded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        whole = (before + len(raw)) * 8 // 6  # the last letter may hold bits of what comes after
        inner = coded[(0, 2, 3)[before] : whole]
        if len(inner) >= _PART:
            forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms


def _without_parts(text: str, secret: str) -> str:
    """Mask beginnings and ends of ``secret``: what is left of it when a text was shortened."""
    for part, step in ((secret[:_PART], 1), (secret[-_PART:], -1)):
        at = text.find(part)
        while at != -1:
            start, end, known = at, at + _PART, _PART
            if step == 1:
                while end < len(text) and known < len(secret) and text[end] == secret[known]:
                    end, known = end + 1, known + 1
            else:
                while start > 0 and known < len(secret) and text[start - 1] == secret[-known - 1]:
                    start, known = start - 1, known + 1
            text = text[:start] + _MASK + text[end:]
            at = text.find(part, start + len(_MASK))
    return text
