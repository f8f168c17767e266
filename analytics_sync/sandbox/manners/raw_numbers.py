"""Numbers with more digits than a double holds, in JSON that orjson writes.

In: a number's spelling.
Out: a placeholder for a record, and a body with the number itself in place of the placeholder.
"""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(rb'"@number:([^"@]+)@"')


def placeholder(spelling: str) -> str:
    """The text that stands for a number in a record."""
    return f"@number:{spelling}@"


def spelled(body: bytes) -> bytes:
    """The body with the numbers in place of their placeholders."""
    return _PLACEHOLDER.sub(rb"\1", body) if b"@number:" in body else body
