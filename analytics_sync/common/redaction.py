"""Redaction: the only code that masks secrets in text, by value and before a text is shortened.

In: the secrets of a run, and a text. Out: the text without the secrets. A secret is also found
URL-encoded, in base64, escaped for JSON or a Python literal, or cut in two by other code. During
a run every log record of the process is redacted, also the records of other libraries.
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
_MIN_PART_LENGTH = 8  # a shorter part of a secret may be an ordinary word
_MIN_LONG_SECRET = 16  # a secret of this length is masked even if only its beginning or end is left


class Redactor:
    """A function of a text that masks every secret of a run.

    Args:
        secrets: The secrets; empty ones are ignored.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = secrets = frozenset(s for s in secrets if s)
        # The longest form comes first: a shorter form inside it would leave the rest unmasked.
        ordered = sorted({f for s in secrets for f in _forms(s)}, key=len, reverse=True)
        # The case is ignored because %2F and %2f are the same character.
        either = "|".join(map(re.escape, ordered))
        self._pattern = re.compile(either, re.IGNORECASE) if ordered else None
        self._long = [s for s in secrets if len(s) >= _MIN_LONG_SECRET]
        # In data, a short word that equals a secret is more often the word than the secret.
        masked_in_data = {f for s in secrets if len(s) >= _MIN_PART_LENGTH for f in _forms(s)}
        self._data_forms = [f.encode() for f in ordered if f in masked_in_data]

    def __call__(self, text: str) -> str:
        """``text`` with every secret, and every long part of one, replaced by ``***``."""
        if self._pattern is None:
            return text
        text = self._pattern.sub(_MASK, text)
        for secret in self._long:
            text = _without_parts(text, secret)
        return text

    def data(self, raw: bytes) -> bytes:
        """A response body without secrets: a secret that the API repeats would reach a table.

        Secrets of less than 8 characters stay.
        """
        if any(form in raw for form in self._data_forms):
            for form in self._data_forms:
                raw = raw.replace(form, _MASK.encode())
        return raw

    def trace(self, error: BaseException) -> str:
        """The traceback of an error without secrets, for the lines below a message."""
        return self("".join(traceback.format_exception(error)))

    @contextmanager
    def in_logs(self) -> Iterator[None]:
        """Mask secrets in every log record of the process inside the block, at any level."""
        with _lock:
            _active.append(self)
            if len(_active) == 1:
                _replaced_factory.append(logging.getLogRecordFactory())
                logging.setLogRecordFactory(_redacted_record)
        try:
            yield
        finally:
            with _lock:
                _active.remove(self)
                if not _active:
                    factory = _replaced_factory.pop()
                    if logging.getLogRecordFactory() is _redacted_record:
                        logging.setLogRecordFactory(factory)


# A record factory and not a filter: a filter sees only the records of its own logger or handler.
# Handlers that other libraries add, before or during the run, would write unmasked records.
_lock = threading.Lock()
_active: list[Redactor] = []
_replaced_factory: list[Any] = []  # the factory before the first block, while a block runs


def _redacted_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """A log record whose message and traceback hold no secrets."""
    factory = next(iter(_replaced_factory), logging.LogRecord)
    record: logging.LogRecord = factory(*args, **kwargs)
    try:
        text = record.getMessage()
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    except Exception:  # the arguments do not fit the message; logging itself reports that
        return record
    masked_text, masked_trace = text, trace
    for redactor in tuple(_active):
        masked_text, masked_trace = redactor(masked_text), redactor(masked_trace)
    if masked_text != text:
        record.msg, record.args = masked_text, ()
    if masked_trace != trace:
        record.exc_info, record.exc_text = None, masked_trace
    return record


def _forms(secret: str) -> set[str]:
    """All spellings of a secret that are masked."""
    forms = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    forms |= {json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    once = json.dumps(secret)[1:-1]
    forms |= {once, json.dumps(once)[1:-1]}  # JSON as a text in JSON
    raw = secret.encode()
    # Base64 encodes three bytes at a time, so the bytes before the secret give three spellings.
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        whole = (before + len(raw)) * 8 // 6  # the last letter may hold bits of the next byte
        inner = coded[(0, 2, 3)[before] : whole]
        if len(inner) >= _MIN_PART_LENGTH:
            forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms


def _without_parts(text: str, secret: str) -> str:
    """Mask beginnings and ends of ``secret``: a shortened text may hold only such a part."""
    length = len(secret)
    for part, step in ((secret[:_MIN_PART_LENGTH], 1), (secret[-_MIN_PART_LENGTH:], -1)):
        found = text.find(part)
        while found != -1:
            start, end, matched = found, found + _MIN_PART_LENGTH, _MIN_PART_LENGTH
            if step == 1:
                while end < len(text) and matched < length and text[end] == secret[matched]:
                    end, matched = end + 1, matched + 1
            else:
                while start > 0 and matched < length and text[start - 1] == secret[-matched - 1]:
                    start, matched = start - 1, matched + 1
            text = text[:start] + _MASK + text[end:]
            found = text.find(part, start + len(_MASK))
    return text
