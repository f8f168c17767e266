r"""Clues to secrets: a few quick searches that prove that most texts hold no secret.

In: secrets, and the bytes of a text. Out: whether the text may hold one of them, and where.

No encoder escapes letters, digits, ".", "-" and "_" without need. So the longest runs of them in a secret are
found as they are in JSON, in URLs and in HTML; in base64 and in hexadecimal digits they become one of a few
other texts. A text that holds no such run, and that does not escape these characters either, holds no secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

Find = Callable[[bytes, int], int]
"""The next place in a text, from a place on; -1 without one."""

RUN = re.compile(r"[0-9A-Za-z._-]{2,}")
"""Characters that encoders leave as they are."""
_MAX_RUNS = 3
_MAX_SHORT_BYTES = 16
# The codes of these characters. Those of NUL, of line breaks and of the signs that begin an escape are as
# suspicious: "%", "\" and, in an entity, "#" and "&".
_CODE = r"(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|2[DdEe]|5[Ff]|0[0AaDd]|23|5[Cc])"
_DECIMAL = r"(?:4[5689]|5[0-7]|6[5-9]|[78][0-9]|9[025789]|1[03]|1[01][0-9]|12[012]|3[578])(?![0-9])"
_ENTITY = rf"\#(?:0*{_DECIMAL}|[xX]0*(?:{_CODE}|2[56]))"
# The end of a line of base64, with the backslashes of a line break in a text, in JSON in a text, and so on.
_LINE = "|".join(rf"(?<=[0-9A-Za-z+/]{{60}}\\{{{n}}})" for n in (1, 2, 4, 8))
# Escapes that can hide a run: the sign, the bytes that can follow it, the pattern. Each pattern begins with
# its sign and nothing else, because the search for one byte is the fastest.
_HIDING = tuple(
    (sign, frozenset(following), re.compile(pattern.encode()))
    for sign, following, pattern in (
        (
            b"\\",
            b"uxrn-._",
            rf"\\(?:[-x._]|u(?:00(?:{_CODE}|25|26(?:amp;)*{_ENTITY})|\{{)|(?=[rn])(?:{_LINE})[rn])",
        ),
        (b"%", b"0234567uU", rf"%(?:25)*(?:{_CODE}|[uU]|26(?:amp|%(?:25)*23))"),
        (b"&", b"#apbn", rf"&(?:amp;)*(?:{_ENTITY}|percnt|bsol|num)"),
    )
)
_SAMPLE_BYTES = 4096
_MAX_SIGNS_IN_SAMPLE = 8
_NUL = re.compile(rb"\x00")
_UNUSUAL = re.compile(rb"[\\%&+\x00\x80-\xff]")


class Clues:
    """Tells whether a text may hold a secret. Threads may share it.

    Args:
        spellings: The secrets, as they are and decoded.
        coded: Texts of which one is in every base64 or hexadecimal text that holds a secret.
        ignores_case: Whether the spellings are in small letters, and compared so.
    """

    def __init__(
        self, spellings: Iterable[str], coded: Iterable[str], *, ignores_case: bool = False
    ) -> None:
        self._ignores_case = ignores_case
        texts = sorted(set(spellings))
        self._runs = sorted({runs for text in texts for runs in _runs(text)})
        # A secret without a run is looked for as it is, and wherever there is any escape.
        weak = [text for text in texts if not RUN.search(text)]
        self._is_weak = bool(weak)
        self._runs += [(text.encode("utf-8", "surrogatepass"),) for text in weak]
        self._coded = sorted(text.encode() for text in set(coded))

    def may_be_in(self, raw: bytes) -> bool:
        """Whether a text may hold a secret."""
        small = raw.lower() if self._ignores_case else raw
        for runs in self._runs:
            for run in runs:
                if not _is_in(run, small):
                    break
            else:
                return True
        for digits in self._coded:
            if _is_in(digits, raw):
                return True
        if self._is_weak and _UNUSUAL.search(raw):
            return True
        return b"\0" in raw or any(
            hiding[0] in raw and _is_found(raw, *hiding) for hiding in _HIDING
        )

    def finds(self, raw: bytes) -> Iterator[Find]:
        """Functions that find the places in a text at which there may be a secret."""
        for runs in self._runs:
            if all(run in raw for run in runs):
                yield found_by(re.compile(re.escape(runs[0])))
        for digits in self._coded:
            if digits in raw:
                yield found_by(re.compile(re.escape(digits)))
        for *_, pattern in _HIDING:
            yield found_by(pattern)
        yield found_by(_UNUSUAL if self._is_weak else _NUL)


def _is_in(part: bytes, raw: bytes) -> bool:
    # Python finds a short text in half of the time from the end.
    return raw.rfind(part) >= 0 if len(part) <= _MAX_SHORT_BYTES else part in raw


def found_by(pattern: re.Pattern[bytes]) -> Find:
    """A function that finds the next match of a pattern."""

    def find(raw: bytes, at: int) -> int:
        found = pattern.search(raw, at)
        return found.start() if found else -1

    return find


def _is_found(
    raw: bytes, sign: bytes, following: frozenset[int], pattern: re.Pattern[bytes]
) -> bool:
    """Whether a pattern that begins with ``sign`` and one of the bytes ``following`` is in a text."""
    find, last = raw.find, len(raw) - 1
    at = find(sign)
    if at >= 0 and raw.count(sign, at, at + _SAMPLE_BYTES) > _MAX_SIGNS_IN_SAMPLE:
        return pattern.search(raw, at) is not None
    # To jump from sign to sign is faster than a search, as long as they are few.
    while 0 <= at < last:
        if raw[at + 1] in following and pattern.match(raw, at):
            return True
        at = find(sign, at + 1)
    return False


def _runs(text: str) -> Iterator[tuple[bytes, ...]]:
    """The longest runs of a secret, of which every spelling of a secret holds all."""
    found = sorted(set(RUN.findall(text)), key=len, reverse=True)[:_MAX_RUNS]
    if found:
        yield tuple(run.encode() for run in found)
        # An API may change the case of hexadecimal digits.
        if text.islower() or text.isupper():
            yield tuple(run.swapcase().encode() for run in found)
