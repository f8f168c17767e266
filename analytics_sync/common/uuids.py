"""UUIDs as text: their pattern.

In: a value. Out: whether it is a UUID. A UUID is the same in upper and in lower case, and some APIs change
the case. Other texts in different case may well be different.
"""

from __future__ import annotations

import re

LIKE_UUID = "________-____-____-____-____________"
"""A pattern of SQL: all UUIDs fit it, and few other texts do."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_uuid(value: object) -> bool:
    """Whether a value is a UUID, in any case."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None
