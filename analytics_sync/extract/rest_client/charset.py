"""The charset of a response: its bytes as UTF-8, which the JSON decoder reads.

In: a body, and the charset that its ``Content-Type`` header or the catalog file names. Out: UTF-8. Bytes
that do not fit their charset are an error; none is replaced.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from json import detect_encoding

from analytics_sync.catalog.config.charsets import (
    SINGLE_BYTE,
    UNICODE,
    UTF_8,
    CharsetError,
    codec_of,
)

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s"';,]*)""", re.IGNORECASE)


@lru_cache(maxsize=64)
def charset_of(content_type: str) -> str:
    """The charset that a ``Content-Type`` header names, in lower case; empty if it names none."""
    found = _CHARSET.search(content_type)
    return found[1].lower() if found else ""


def to_utf8(raw: bytes, charset: str, *, is_certain: bool) -> bytes:
    """A JSON document in UTF-8.

    A byte order mark takes precedence over ``charset``.

    Args:
        raw: The document.
        charset: The name of its charset.
        is_certain: Whether the charset is beyond doubt. If not, text in UTF-8 that is declared in a
            charset of single bytes is refused: any bytes fit such a charset.

    Raises:
        CharsetError: The charset is not known, or the bytes do not fit it.
        UnicodeDecodeError: The document breaks off within a character.
    """
    codec = codec_of(charset)
    if codec == UTF_8 or raw.startswith(codecs.BOM_UTF8):
        return raw
    if codec in UNICODE:
        codec = detect_encoding(raw)  # by the mark, or by the zeros beside the first bracket
        if codec == UTF_8:
            raise CharsetError(f"the charset is {charset!r}, but the bytes are not")
    elif codec in SINGLE_BYTE and not is_certain and not raw.isascii() and _is_utf8(raw):
        raise CharsetError(f"the charset is {charset!r}, but the text is UTF-8")
    try:
        return raw.decode(codec).encode()
    except UnicodeDecodeError as e:
        if codec in SINGLE_BYTE or e.end < len(raw):
            raise _misfit(charset, raw, e.start) from e
        raise
    except UnicodeEncodeError as e:  # half of a surrogate pair
        raise CharsetError(f"the charset is {charset!r}, but it holds half a character") from e


def check_utf8(raw: bytes) -> None:
    """Check the bytes of a document that is no JSON.

    Raises:
        CharsetError: They are not UTF-8, and not only because they break off within a character.
    """
    try:
        raw.decode()
    except UnicodeDecodeError as e:
        if e.reason != "unexpected end of data":
            raise _misfit(UTF_8, raw, e.start) from e


def _misfit(charset: str, raw: bytes, at: int) -> CharsetError:
    return CharsetError(f"the charset is {charset!r}, but byte {at:,} is {raw[at]:#04x}")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
