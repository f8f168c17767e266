r"""Masking of JSON: the secrets that a document repeats, in its texts, keys and numbers.

In: secrets, and the bytes of a JSON document. Out: the bytes without the secrets; all else stays as it is.
Only a text that may hold a secret is decoded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from decimal import Decimal, InvalidOperation

from analytics_sync.common.secret_clues import Clues, found_by
from analytics_sync.common.secret_finder import SecretFinder, coded_anchors, spellings
from analytics_sync.common.short_secrets import MIN_LENGTH_IN_DATA

_MIN_DIGITS = 5
_NUMBER_SIGNS = b"+-.0123456789Ee"
_OUTSIDE_NUMBERS = re.compile(rb"[^+\-.0-9Ee]")


class JsonMasker:
    """Masks secrets in JSON. Threads may share it.

    Args:
        secrets: The secrets. Those of less than 8 characters stay.
        mask: The text in place of a secret.
    """

    def __init__(self, secrets: Iterable[str], mask: str) -> None:
        masked = sorted(s for s in secrets if len(s) >= MIN_LENGTH_IN_DATA)
        self._finder = SecretFinder(masked, finds_parts=False)
        self._mask = mask
        coded = {a for s in masked for a in coded_anchors(s, in_lines=False)}
        self._clues = Clues((text for s in masked for text in spellings(s)), coded)
        self._secrets = frozenset(masked)
        self._numbers = {number for s in masked if (number := _number(s)) is not None}
        self._digits = [re.compile(_digits(s)) for s in masked if _number(s) is not None]

    def mask(self, raw: bytes, check_time: Callable[[], None] | None = None) -> bytes:
        """The document without secrets; the same object if it holds none.

        Args:
            raw: A JSON document in UTF-8. It must be one that can be decoded.
            check_time: Raises if a time limit has passed; None for no limit.
        """
        if not self._may_hold(raw):
            return raw
        written: list[bytes] = []
        done = 0
        for start, end in self._suspects(raw):
            suspect = raw[start:end]
            if check_time is not None:
                check_time()
            masked = self._masked(suspect, check_time)
            if masked is not suspect:
                written += [raw[done:start], masked]
                done = end
        return b"".join([*written, raw[done:]]) if written else raw

    def mask_text(self, text: str) -> str:
        """The text without secrets; the same object if it holds none."""
        raw = text.encode("utf-8", "surrogatepass")
        return self._finder.mask(text, self._mask) if self._may_hold(raw) else text

    def _may_hold(self, raw: bytes) -> bool:
        return self._clues.may_be_in(raw) or any(digits.search(raw) for digits in self._digits)

    def _suspects(self, raw: bytes) -> Iterator[tuple[int, int]]:
        """The spans of the texts, with their quotes, and of the numbers that may hold a secret."""
        # Of the same length, so that a place in the one is a place in the other.
        quotes_only = raw.replace(b"\\\\", b"  ").replace(b'\\"', b"  ")
        finds = [*self._clues.finds(raw), *map(found_by, self._digits)]
        places = [find(raw, 0) for find in finds]
        counted = quotes = 0
        while found := [place for place in places if place >= 0]:
            place = min(found)
            quotes += quotes_only.count(b'"', counted, place)
            if quotes % 2:
                start = quotes_only.rfind(b'"', 0, place)
                end = quotes_only.find(b'"', place) + 1 or len(raw)
            else:
                start, end = _number_span(raw, place)
            yield start, end
            quotes += quotes_only.count(b'"', place, end)
            counted = end
            places = [
                find(raw, end) if 0 <= p < end else p for find, p in zip(finds, places, strict=True)
            ]

    def _masked(self, suspect: bytes, check_time: Callable[[], None] | None) -> bytes:
        """A text with its quotes, or a number, without secrets; the same object if it holds none."""
        if not suspect.startswith(b'"'):
            return json.dumps(self._mask).encode() if self._is_secret(suspect) else suspect
        if not self._may_hold(suspect):
            return suspect
        text = json.loads(suspect, strict=False)
        masked = self._finder.mask(text, self._mask, check_time)
        return suspect if masked is text else json.dumps(masked).encode()

    def _is_secret(self, number: bytes) -> bool:
        with suppress(InvalidOperation):
            return number.decode() in self._secrets or Decimal(number.decode()) in self._numbers
        return False


def _number(secret: str) -> Decimal | None:
    """The value of a secret that JSON can hold as a number."""
    if not re.fullmatch(r"[0-9.]+", secret):
        return None
    try:
        return Decimal(secret)
    except InvalidOperation:
        return None


def _digits(secret: str) -> bytes:
    """The digits of a number, with a decimal point anywhere: 1.2345678e7 is 12345678."""
    digits = secret.replace(".", "")
    significant = digits.strip("0")
    if len(significant) < _MIN_DIGITS:
        significant = digits
    return r"\.?".join(significant).encode()


def _number_span(raw: bytes, place: int) -> tuple[int, int]:
    """The span of the number at a place; of one character if there is none."""
    start = place
    while start and raw[start - 1] in _NUMBER_SIGNS:
        start -= 1
    after = _OUTSIDE_NUMBERS.search(raw, place)
    return start, max(place + 1, after.start() if after else len(raw))
