"""The secret finder: where a text holds a secret, in any spelling.

In: secrets, and a text. Out: the spans of the text that are secrets. A secret is found as it is, with
escapes of JSON, JavaScript, URLs or HTML, in base64 or hexadecimal, in capitals or small letters, and
several of these one inside the other. In messages, the beginning or the end of a long secret is found too.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from analytics_sync.common.decoded_text import (
    DecodedText,
    decoded_texts,
    other_readings,
    without_line_breaks,
)
from analytics_sync.common.secret_clues import RUN, Clues
from analytics_sync.common.short_secrets import place_of_short

Span = tuple[int, int]

_MIN_LONG_SECRET = 16  # a secret of this length is found even if only its beginning or end is left
_PART_LENGTH = 8  # a shorter part of a secret may be an ordinary word
_MIN_SPELLING = 5  # a decoded secret that is shorter may be an ordinary word
_MIN_CODED_SECRET = 6  # a shorter secret in base64 may be an ordinary word
_MIN_CORE = 4
# Signs that JSON encoders of Go and Rails, of Gson, of .NET and of PHP write by their code.
_ESCAPED_BY_CODE = (("<>&", "04x"), ("=<>&'", "04x"), ("+`\"<>&'", "04X"), ("\"<>&'", "04X"))
_MAX_CODED_LEVELS = 3
# A text is searched in pieces of this size, so that the memory for the places of its escapes is limited.
_PIECE_LENGTH = 1 << 18
_MAX_ESCAPE_LENGTH = 40  # characters that stand for one, with all levels of escapes
_ALNUM = re.compile("[0-9A-Za-z]+")
_ASCII_CAPITALS = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_HEX = re.compile(r"[0-9a-f]{12,}", re.IGNORECASE)
_STANDARD_ALPHABET = str.maketrans("-_", "+/")


@dataclass(frozen=True)
class _Needle:
    """One spelling of a secret.

    Attributes:
        text: The spelling, folded.
        length: The length of the secret itself, in characters.
        pattern: Where a short secret counts; None for anywhere.
    """

    text: str
    length: int
    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, text: str, secret: str) -> _Needle:
        """The needle of a spelling of a secret."""
        return cls(text, len(secret), place_of_short(text, secret))

    def spans(self, folded: str) -> Iterator[Span]:
        """The spans of this spelling in a folded text."""
        start = folded.find(self.text)
        if start >= 0 and self.pattern is not None:
            yield from (m.span(m.lastindex or 0) for m in self.pattern.finditer(folded))
            return
        while start >= 0:
            end = start + len(self.text)
            yield start, end
            start = folded.find(self.text, end)


class SecretFinder:
    """Finds secrets. Threads may share it.

    Args:
        secrets: The secrets.
        finds_parts: Whether a part of a long secret is found too.
    """

    def __init__(self, secrets: Iterable[str], *, finds_parts: bool) -> None:
        ordered = sorted(secrets)
        needles = {_Needle.of(_folded(t), s) for s in ordered for t in spellings(s)}
        self._needles = sorted(needles, key=lambda n: (-len(n.text), n.text))
        self._inner = [n for n in self._needles if n.length >= _MIN_CODED_SECRET]
        long = [s for s in ordered if finds_parts and len(s) >= _MIN_LONG_SECRET]
        self._long = sorted({_folded(text) for s in long for text in spellings(s)})
        anchors = {
            a
            for s in ordered
            if len(s) >= _MIN_CODED_SECRET
            for a in coded_anchors(s, in_lines=True)
        }
        self._anchors = sorted(anchors)
        parts = {part for s in self._long for part in (s[:_PART_LENGTH], s[-_PART_LENGTH:])}
        texts = parts.union(text.lower() for s in ordered for text in spellings(s))
        self._clues = Clues(texts, self._anchors, ignores_case=True)
        longest = max(map(len, ordered), default=0)
        self._overlap = longest * _MAX_ESCAPE_LENGTH

    def mask(self, text: str, mask: str, check_time: Callable[[], None] | None = None) -> str:
        """The text with each secret replaced by ``mask``; the same object if it holds none.

        Args:
            text: The text.
            mask: The text in place of a secret.
            check_time: Raises if a time limit has passed; None for no limit.
        """
        if not self._clues.may_be_in(text.encode("utf-8", "surrogatepass")):
            return text
        written: list[str] = []
        done = 0
        for start, end in self._all_spans(text, check_time):
            written += [text[done:start], mask]
            done = end
        return "".join([*written, text[done:]]) if written else text

    def _all_spans(self, text: str, check_time: Callable[[], None] | None) -> list[Span]:
        if len(text) <= _PIECE_LENGTH:
            return _merged(self._spans(text, self._needles, _MAX_CODED_LEVELS))
        found: list[Span] = []
        for offset in range(0, len(text), _PIECE_LENGTH):
            if check_time is not None:
                check_time()
            piece = text[offset : offset + _PIECE_LENGTH + self._overlap]
            spans = self._spans(piece, self._needles, _MAX_CODED_LEVELS)
            found += [(start + offset, end + offset) for start, end in spans]
        return _merged(found)

    def _spans(self, text: str, needles: list[_Needle], levels: int) -> Iterator[Span]:
        """The spans of a text that decode to a secret, in any order."""
        views = list(decoded_texts(text))
        for view in (*views, *other_readings(views[-1])):
            for start, end in self._plain_spans(_folded(view.text), needles):
                yield view.original_span(start, end)
        for view in dict.fromkeys((*views, without_line_breaks(views[-1]))):
            if levels and any(anchor in view.text for anchor in self._anchors):
                for start, end in self._coded_spans(view, levels - 1):
                    yield view.original_span(start, end)

    def _plain_spans(self, folded: str, needles: list[_Needle]) -> Iterator[Span]:
        for needle in needles:
            yield from needle.spans(folded)
        if needles is self._needles:
            for secret in self._long:
                yield from _part_spans(folded, secret)

    def _coded_spans(self, view: DecodedText, levels: int) -> Iterator[Span]:
        """The spans of base64 and hexadecimal digits that decode to a secret."""
        for token in _BASE64.finditer(view.text):
            for skipped in range(4):
                raw = _from_base64(token[0][skipped:])
                for start, end in self._spans(raw, self._inner, levels):
                    first = token.start() + skipped
                    yield first + start * 4 // 3, first + -(-end * 4 // 3)
        for token in _HEX.finditer(view.text):
            for skipped in range(2):
                digits = token[0][skipped:]
                raw = bytes.fromhex(digits[: len(digits) & ~1]).decode("latin-1")
                for start, end in self._spans(raw, self._inner, levels):
                    first = token.start() + skipped
                    yield first + start * 2, first + end * 2


def spellings(secret: str) -> set[str]:
    """The texts that a secret becomes by decoding. One of them is in each decoded text that holds it."""
    # A reader of UTF-8 that takes it for Latin-1 makes a spelling, too.
    read_as_latin = secret.encode("utf-8", "surrogatepass").decode("latin-1")
    decoded = [d.text for text in (secret, read_as_latin) for d in decoded_texts(text)]
    # A backslash at the end of a secret may be taken for an escape of the character after the secret.
    decoded += [text.rstrip("\\%&") for text in decoded]
    decoded += [text.replace("\\", "") for text in decoded]
    shortest = min(_MIN_SPELLING, len(secret))
    return {text for text in decoded if len(text) >= shortest}


def coded_anchors(secret: str, *, in_lines: bool) -> set[str]:
    """Texts of which one is in every base64 or hexadecimal text that holds the secret.

    They are made from the longest run of characters that escapes leave as they are.

    Args:
        secret: The secret.
        in_lines: Whether base64 may be broken into lines.
    """
    core = max(RUN.findall(secret), key=len, default="")
    anchors = set()
    for text in [core] if len(core) >= _MIN_CORE else _usual_spellings(secret):
        raw = text.encode("utf-8", "surrogatepass")
        # Lines of base64 are broken somewhere: then only one half of a long secret is in one line.
        half = min(len(raw) // 2, _MIN_LONG_SECRET)
        is_long = in_lines and half >= _MIN_CODED_SECRET
        for part in (raw[:half], raw[-half:]) if is_long else (raw,):
            anchors |= _anchors_of(part)
    return anchors


def _usual_spellings(secret: str) -> set[str]:
    """A secret without long runs, as the encoders of several languages write it into JSON and URLs."""
    texts = {secret, json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(secret)[1:-1]}
    texts |= {re.sub(r"(?<=\\u)[0-9a-f]{4}", lambda m: m[0].upper(), text) for text in texts}
    for signs, digits in _ESCAPED_BY_CODE:
        texts |= {
            re.sub(f"\\\\?([{signs}])", lambda m, d=digits: f"\\u{ord(m[1]):{d}}", text)  # type: ignore[misc]
            for text in texts
        }
    return texts | {text.replace("/", "\\/") for text in texts} | {quote(secret, safe="")}


def _anchors_of(part: bytes) -> set[str]:
    """The base64 and hexadecimal digits that stand for a part of a secret wherever it is encoded."""
    anchors = set()
    # Base64 encodes three bytes at a time, so the bytes before the secret give three spellings.
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + part).decode()
        inner = coded[(0, 2, 3)[before] : (before + len(part)) * 8 // 6]
        # Base64 for URLs has other signs in place of the plus and the slash, and JSON may escape them.
        anchors.add(max(_ALNUM.findall(inner), key=len, default=inner))
    return anchors | {part.hex(), part.hex().upper()}


def _folded(text: str) -> str:
    """The text without differences of case, and of a space and the plus sign that stands for it."""
    small = text.lower()
    if len(small) != len(text):
        small = text.translate(_ASCII_CAPITALS)
    return small.replace("+", " ")


def _from_base64(digits: str) -> str:
    """The bytes of base64 digits, one character each; the last digits may be a part of a byte."""
    usable = len(digits) - (len(digits) % 4 == 1)
    padded = digits[:usable] + "=" * (-usable % 4)
    return binascii.a2b_base64(padded.translate(_STANDARD_ALPHABET)).decode("latin-1")


def _part_spans(text: str, secret: str) -> Iterator[Span]:
    """The beginnings and ends of ``secret``: a shortened text may hold only such a part."""
    length = len(secret)
    beginning, ending = secret[:_PART_LENGTH], secret[-_PART_LENGTH:]
    start = text.find(beginning)
    while start >= 0:
        matched = _PART_LENGTH
        while matched < length and text[start + matched : start + matched + 1] == secret[matched]:
            matched += 1
        yield start, start + matched
        start = text.find(beginning, start + matched)
    start = text.find(ending)
    while start >= 0:
        end, matched = start + _PART_LENGTH, _PART_LENGTH
        while start > 0 and matched < length and text[start - 1] == secret[-matched - 1]:
            start, matched = start - 1, matched + 1
        yield start, end
        start = text.find(ending, end)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap or touch as one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
