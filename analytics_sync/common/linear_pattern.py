r"""Regular expressions whose time grows with the length of the text, and no faster.

In: an expression of Python with one group. Out: the group's text in each of many texts. The time of
Python's ``re`` may grow with the square of the length, or double with each character, and nothing can
interrupt it. So the expression is run by RE2, which is a part of pyarrow. RE2 reads the language of
``re`` without look-around and back references. Its classes know ASCII only, so they are spelled out
here: ``\d`` is every decimal digit of Unicode, as in Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_REFUSED = re.compile(r"\(\?(?!:|P<|[ims]+\)|[ims]*(?:-[ims]+)?:)")
_GROUP = re.compile(r"\((?!\?)")
_NO_COUNT_BELOW = re.compile(r"\{,(?=\d+\})")
_POSSESSIVE = re.compile(r"(?:[*+?]|\{\d*,?\d*\})\+")
_SPACE = r"\s\x0b\x1c-\x1f\x85\p{Z}"
# an escape of Python -> the same outside a class, and inside one
_ESCAPES = {
    "d": (r"\p{Nd}", r"\p{Nd}"),
    "D": (r"\P{Nd}", r"\P{Nd}"),
    "w": (r"[\p{L}\p{N}_]", r"\p{L}\p{N}_"),
    "W": (r"[^\p{L}\p{N}_]", None),
    "s": (f"[{_SPACE}]", _SPACE),
    "S": (f"[^{_SPACE}]", r"\S"),
    "Z": (r"\z", None),
}


class LinearPattern:
    """A regular expression with one group.

    Args:
        pattern: The expression.

    Raises:
        ValueError: It is no expression with one group, or it cannot be run in linear time.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = _translation(pattern)

    def first_groups(self, texts: Sequence[str]) -> list[str | None]:
        """The group of the first match in each text; None for a text without a match."""
        import pyarrow as pa
        import pyarrow.compute as pc

        plain = [text.encode("utf-8", "replace").decode() for text in texts]
        found = pc.extract_regex(pa.array(plain, pa.string()), pattern=self._pattern)
        return [None if row is None else next(iter(row.values())) for row in found.to_pylist()]


def check_pattern(pattern: str) -> None:
    """Check an expression before it is used.

    Raises:
        ValueError: It is no expression with one group, or it cannot be run in linear time.
    """
    linear = LinearPattern(pattern)
    if "{" in pattern:  # only counts can make it too large for RE2, whose import takes long
        linear.first_groups([""])


def _translation(pattern: str) -> str:
    """The expression in the language of RE2, with a name for its group."""
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as e:
        raise ValueError(f"expected a regular expression: {e}") from None
    if compiled.groups != 1:
        raise ValueError("expected a regular expression with one group")
    end = "$" if compiled.flags & re.MULTILINE else r"(?:\n?\z)"
    return "".join(_translated(pattern, end))


def _translated(pattern: str, end: str) -> Iterator[str]:
    position, is_class = 0, False
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            text, length = _escape(pattern[position : position + 10], is_class=is_class)
        elif is_class:
            is_class = character != "]"
            text, length = rf"\{character}" if character in "[&~|" else character, 1
        elif character == "[":
            # a bracket at the beginning of a class stands for itself
            opening = re.match(r"\[\^?\]?", pattern[position:])
            assert opening is not None
            text, length, is_class = opening[0], len(opening[0]), True
        else:
            text, length = _outside(pattern, position, end)
        yield text
        position += length


def _outside(pattern: str, position: int, end: str) -> tuple[str, int]:
    """The translation of the next part outside a class, and the length of the part."""
    if _POSSESSIVE.match(pattern, position):
        raise _unsupported("a possessive repetition")
    if _REFUSED.match(pattern, position):
        raise _unsupported(f"{pattern[position : position + 4]!r}")
    if _GROUP.match(pattern, position):
        return "(?P<value>", 1
    if _NO_COUNT_BELOW.match(pattern, position):
        return "{0,", 2
    return (end if pattern[position] == "$" else pattern[position]), 1


def _escape(escape: str, *, is_class: bool) -> tuple[str, int]:
    """The translation of an escape, and its length.

    Args:
        escape: The backslash and the characters that follow.
        is_class: Whether it is inside a class.
    """
    letter = escape[1]
    if letter in _ESCAPES:
        text = _ESCAPES[letter][is_class]
        if text is None:
            raise _unsupported(rf"\{letter} in []")
        return text, 2
    if code := re.match(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})", escape):
        return rf"\x{{{code[1] or code[2]}}}", len(code[0])
    if letter.isdigit() and not (letter == "0" or is_class):
        raise _unsupported("a back reference")
    if letter in "0N" or letter.isdigit():
        raise _unsupported(rf"\{letter}")
    return (letter if ord(letter) > 127 else escape[:2]), 2


def _unsupported(part: str) -> ValueError:
    return ValueError(
        f"expected a regular expression that runs in linear time: {part} is not supported, nor are "
        "look-around and back references"
    )
