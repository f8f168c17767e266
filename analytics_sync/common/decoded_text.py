r"""Decoded texts: a text, and what it becomes when escapes are undone.

In: a text. Out: the text, and the text with the escapes of JSON, JavaScript, URLs and HTML undone, once
and again until none is left. A span of a decoded text is given as a span of the first text:

    K\/a%252Fb&amp;c    the text
    K/a/b&c             decoded once; the span of "K/a/b" is "K\/a%252Fb"

Several levels of one kind are undone at once, as in ``\\\\/`` or ``%25252F``. So two texts that encode the
same text in different ways become equal. A text that holds a literal ``%2F`` loses it, too: compare it
only with other texts that are decoded.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from html.entities import html5

_MAX_LEVELS = 8  # of different kinds of escapes, one inside the other
_NEEDS_DECODING = re.compile(r"""[\\%&\x00]|""|''""")
_UTF8_TAIL = r"%(?:25)*[89ab][0-9a-f]"
# A run of backslashes or of "25" is matched as a whole, so that the time is proportional to the length.
_ESCAPE = re.compile(
    rf"""
      \\+u(?P<high>d[89ab][0-9a-f]{{2}})\\+u(?P<low>d[c-f][0-9a-f]{{2}})
    | (?:\\+|%(?:25)*)u(?P<unit>[0-9a-f]{{4}})
    | \\+u\{{(?P<point>[0-9a-f]{{1,6}})\}}
    | \\+x(?P<byte>[0-9a-f]{{2}})
    | \\+(?P<control>[bfnrt])
    | \\+(?P<sign>[^0-9a-z\\\x00])
    | \\\\+
    | (?P<utf8>%(?:25)*(?:[cd][0-9a-f]{_UTF8_TAIL}
                        |e[0-9a-f](?:{_UTF8_TAIL}){{2}}
                        |f[0-7](?:{_UTF8_TAIL}){{3}}))
    | %(?:25)*(?P<percent>[0-9a-f]{{2}})
    | &(?:amp;)*\#0*(?P<decimal>[0-9]{{1,7}});?
    | &(?:amp;)*\#x0*(?P<hexadecimal>[0-9a-f]{{1,6}});?
    | &(?:amp;)*(?P<name>[a-z][a-z0-9]{{1,31}};)
    | (?P<quote>["'])(?P=quote)+  # doubled in SQL, CSV and YAML
    """,
    re.IGNORECASE | re.VERBOSE,
)
_QUOTED_PRINTABLE = re.compile(r"=(?:(?P<percent>[0-9A-F]{2})|(?P<nothing>\r?\n))")
_BACKSLASHES = re.compile(r"(?P<nothing>\\+)")
_ZEROS = re.compile(r"(?P<nothing>\x00+)")  # of UTF-16 that is read as another charset
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LAST_CODE = 0x10FFFF


class DecodedText:
    """A text, and the place of each of its characters in the text that it was decoded from.

    Args:
        text: The text.
        parent: The text from which it was decoded; None for the first one.
        pieces: Start in the text, start and end in the parent, and whether the piece is unchanged.
    """

    def __init__(
        self,
        text: str,
        parent: DecodedText | None = None,
        pieces: tuple[tuple[int, int, int, bool], ...] = (),
    ) -> None:
        self.text = text
        self._parent = parent
        self._pieces = pieces
        self._starts = [piece[0] for piece in pieces]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the first text that a span of this text was decoded from."""
        if self._parent is None:
            return start, end
        piece_start, parent_start, _, is_same = self._piece(start)
        first = parent_start + (start - piece_start if is_same else 0)
        piece_start, parent_start, parent_end, is_same = self._piece(end - 1)
        last = parent_start + end - piece_start if is_same else parent_end
        return self._parent.original_span(first, last)

    def _piece(self, position: int) -> tuple[int, int, int, bool]:
        return self._pieces[bisect_right(self._starts, position) - 1]

    def replaced(self, pattern: re.Pattern[str]) -> DecodedText | None:
        """The text with each match of an escape replaced by its character; None without a match."""
        written: list[str] = []
        pieces: list[tuple[int, int, int, bool]] = []
        length = done = 0
        for match in pattern.finditer(self.text):
            character = _character(match)
            if character == match[0]:
                continue
            start, end = match.span()
            if start > done:
                pieces.append((length, done, start, True))
                written.append(self.text[done:start])
                length += start - done
            if character:
                pieces.append((length, start, end, False))
                written.append(character)
                length += 1
            done = end
        if not done:
            return None
        if done < len(self.text):
            pieces.append((length, done, len(self.text), True))
            written.append(self.text[done:])
        return DecodedText("".join(written), self, tuple(pieces))


def decoded_texts(text: str) -> Iterator[DecodedText]:
    """The text itself, and each text that decoding it once more gives."""
    current: DecodedText | None = DecodedText(text)
    for _ in range(_MAX_LEVELS):
        if current is None:
            return
        yield current
        if not _NEEDS_DECODING.search(current.text):
            return
        current = current.replaced(_ZEROS) or current.replaced(_ESCAPE)


def other_readings(text: DecodedText) -> Iterator[DecodedText]:
    """What a decoded text may be, too: quoted-printable, or a text whose backslashes escape letters."""
    for pattern in (_QUOTED_PRINTABLE, _BACKSLASHES):
        reading = text.replaced(pattern)
        if reading is not None:
            yield reading


_LINE_BREAKS = re.compile(r"(?P<nothing>[\r\n]+)")


def without_line_breaks(text: DecodedText) -> DecodedText:
    """The text in one line: encoders of base64 break lines."""
    return text.replaced(_LINE_BREAKS) or text


def _character(match: re.Match[str]) -> str:
    """The character that an escape stands for; empty for none, the escape itself if it is unknown."""
    kind = match.lastgroup
    if kind is None:
        return "\\"
    found = match[kind]
    match kind:
        case "low":
            return bytes.fromhex(match["high"] + found).decode("utf-16-be")
        case "unit" | "byte" | "percent":
            return chr(int(found, 16))
        case "control":
            return _CONTROLS[found.lower()]
        case "sign" | "quote":
            return found
        case "nothing":
            return ""
        case "utf8":
            raw = bytes.fromhex("".join(part[-2:] for part in found.split("%")[1:]))
            decoded = raw.decode("utf-8", "replace")
            return decoded if len(decoded) == 1 else match[0]
        case "name":
            named = html5.get(found) or html5.get(found.lower(), "")
            return named if len(named) == 1 else match[0]
    code = int(found, 16 if kind != "decimal" else 10)
    return chr(code) if 0 < code <= _LAST_CODE else match[0]
