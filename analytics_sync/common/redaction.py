"""Redaction: the only code that masks secrets in text, by value and before a text is shortened.

In: the secrets of a run; a text, or the body of a response. Out: the text or body without the secrets, in
whatever spelling. During a run every log record of the process is redacted, also the records of other
libraries.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from analytics_sync.common.json_masking import JsonMasker
from analytics_sync.common.secret_finder import SecretFinder

MASK = "***"
"""The text in place of a secret."""
_MAX_MESSAGE_CHARACTERS = 1_000_000


class Redactor:
    """A function of a text that masks every secret of a run.

    Args:
        secrets: The secrets; empty ones are ignored.
        only_in_messages: Values that are masked in messages and logs, and stay in rows.

    Attributes:
        secrets: All of them.
    """

    def __init__(self, secrets: Iterable[str], only_in_messages: Iterable[str] = ()) -> None:
        self._in_data = frozenset(s for s in secrets if s)
        self.secrets = self._in_data | {s for s in only_in_messages if s}
        self._added: frozenset[str] = frozenset()
        self._prepare()

    def _prepare(self) -> None:
        self._finder = SecretFinder(self.secrets | self._added, finds_parts=True)
        self._data = JsonMasker(self._in_data | self._added, MASK)

    def add(self, secret: str) -> None:
        """Mask one more secret from now on, such as a token that a run has got.

        It is none of ``secrets``: those are the same in each run of an account.
        """
        self._added |= {secret}
        self._prepare()

    def __call__(self, text: str) -> str:
        """``text`` with every secret, and every long part of one, replaced by ``***``.

        No message needs more than its first million characters.
        """
        return self._finder.mask(text[:_MAX_MESSAGE_CHARACTERS], MASK)

    def data(self, raw: bytes, check_time: Callable[[], None] | None = None) -> bytes:
        """A JSON document without secrets: a secret that the API repeats would reach a table.

        Secrets of less than 8 characters stay.

        Args:
            raw: The document, in UTF-8. The same object is returned if it holds no secret.
            check_time: Raises if a time limit has passed; None for no limit.
        """
        return self._data.mask(raw, check_time)

    def data_text(self, text: str) -> str:
        """A text of a response that is no message, such as a header, without the secrets of ``data``."""
        return self._data.mask_text(text)

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
