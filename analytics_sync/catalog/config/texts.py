"""Texts with placeholders: the values of parameters inside other text.

In: a text of a catalog file, such as ``updated_at >= {incremental.start_value}``. Out: its parts, and then a
``Text``, whose slots name the parameters of the request. Two braces are one brace of the text, as in dlt.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class BraceError(ValueError):
    """A brace of a text is neither doubled nor a part of a placeholder."""


@dataclass(frozen=True)
class Placeholder:
    """The place of a parameter in a text.

    Attributes:
        name: The parameter.
        is_number: Whether a text that is this slot alone becomes a number, where JSON holds it.
    """

    name: str
    is_number: bool = False


@dataclass(frozen=True)
class Text:
    """A text with the values of parameters in it: fixed parts and slots, in their order."""

    parts: tuple[str | Placeholder, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters whose values stand in the text."""
        return tuple(part.name for part in self.parts if isinstance(part, Placeholder))


def read_text(text: str, slot: Callable[[str], Placeholder | str]) -> str | Text:
    """The text with its slots; a plain text if it has no placeholder.

    Args:
        text: The text, as the file spells it.
        slot: Gives the slot of a placeholder, or the text in its place. It raises for one that is not known.

    Raises:
        BraceError: A brace is neither doubled nor a part of a placeholder.
    """
    parts: list[str | Placeholder] = []
    end = 0
    for found in _BRACES.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        match found[0]:
            case "{{" | "}}":
                parts.append(found[0][0])
            case "{" | "}":
                raise BraceError(
                    f"a single {found[0]!r}; expected a placeholder, or two braces for one of the text"
                )
            case _:
                parts.append(slot(found[1]))
    parts.append(text[end:])
    if all(isinstance(part, str) for part in parts):
        return "".join(map(str, parts))
    return Text(tuple(part for part in parts if part != ""))


def texts_in(value: Any) -> list[Text]:
    """All texts with placeholders in a value, at any depth."""
    if isinstance(value, Text):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_in(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts_in(item)]
    return []
