"""The charsets that are known, by the names that HTTP gives them.

In: the name of a charset. Out: the name of Python's codec. A name that is not in the list is refused:
Python has encodings that are no charset, such as ``idna``.
"""

from __future__ import annotations

import codecs
from functools import lru_cache

UTF_8 = "utf-8"
SINGLE_BYTE = frozenset(
    {
        "ascii", "koi8-r", "koi8-u", "mac-roman", "tis-620",
        *(f"iso8859-{n}" for n in range(1, 17)), *(f"cp{n}" for n in range(1250, 1259)),
    }
)  # fmt: skip
UNICODE = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
_OTHERS = frozenset(
    {"gb2312", "gbk", "gb18030", "big5", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "iso2022_jp"}
)  # fmt: skip
_KNOWN = SINGLE_BYTE | UNICODE | _OTHERS | {UTF_8}


class CharsetError(ValueError):
    """Bytes that do not fit their charset, or a charset that is not known."""


@lru_cache(maxsize=64)
def codec_of(charset: str) -> str:
    """Python's name of a charset.

    Raises:
        CharsetError: The charset is not known.
    """
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        name = ""
    name = UTF_8 if name == "utf-8-sig" else name
    if name not in _KNOWN:
        raise CharsetError(f"the charset {charset[:40]!r} is not known")
    return name
