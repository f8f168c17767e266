"""Text of data in messages: printable, short, in small numbers, and without markup.

In: names and values that come from an API or a table. Out: text for a message, a description, a metadata
value or a line of a log. A response chooses the length and the number of its names, so that a message
with all of them would fill the event log.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import islice

from analytics_sync.common.errors import printable

MAX_NAMES = 20
"""Names in one message."""
MAX_CHARACTERS = 80
"""Characters of one name or value."""
_MORE = "..."
# What Markdown turns into HTML, links, images and footnotes. Bare addresses become links too, also when
# they are written with entities or escapes.
_MARKUP = re.compile(r"<|\]\(|\]\[|\]:|\[\^|://|www\.|@|&[#\w]|\\[!-/:-@\[-`{-~]", re.IGNORECASE)


def shown(value: object, limit: int = MAX_CHARACTERS) -> str:
    """A name or value on one line, of at most ``limit`` characters.

    Args:
        value: The value. Its secrets are masked already: the mask does not find a part of a secret.
        limit: The number of characters.
    """
    text = str(value)
    head = printable(text[: limit + 1])
    return head if len(head) <= limit else head[: limit - len(_MORE)] + _MORE


def listed(
    values: Iterable[object],
    *,
    separator: str = ", ",
    limit: int = MAX_CHARACTERS,
) -> str:
    """The first names or values in one text, and the number of the others.

    Args:
        values: The names or values, in the order of the text.
        separator: The text between two of them.
        limit: The number of characters of each.
    """
    known = values if isinstance(values, Collection) else list(values)
    named = [shown(value, limit) for value in islice(known, MAX_NAMES)]
    others = len(known) - len(named)
    text = separator.join(named)
    return f"{text}{separator}and {others:,} more" if others > 0 else text


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def without_markup(text: str) -> str:
    """A text that Markdown shows as it is, without links, images and HTML.

    Dagster's UI renders the descriptions of checks as Markdown. A text with signs of markup becomes one
    span of code, any other text stays as it is.
    """
    text = printable(text)
    return f"`{text.replace('`', chr(39))}`" if _MARKUP.search(text) else text
