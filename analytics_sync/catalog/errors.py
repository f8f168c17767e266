"""The errors of catalog files and of the project's settings.

In: what is wrong, and its place in the file. Out: ``CatalogError``, whose first line is complete; and
``WrongSetting`` for a setting that stands in no catalog file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn


class CatalogError(ValueError):
    """A catalog file is invalid.

    Args:
        message: What is wrong and what was expected.
        file: The file's path or name.
        line: Line in that file, counted from 1; 0 when unknown.
        resource: The resource concerned, if any.
        key: Dotted key inside the source or resource, if any.

    Attributes:
        source: Name of the source as the file has it; empty when unknown.
    """

    source = ""

    def __init__(
        self, message: str, *, file: str = "", line: int = 0, resource: str = "", key: str = ""
    ) -> None:
        self.message = message
        self.file = file
        self.line = line
        self.resource = resource
        self.key = key
        place = f"{file}:{line}" if line else file
        parts = [place, f"resource {resource!r}" if resource else "", key]
        text = ": ".join([*(p for p in parts if p), message])
        # the file's names may hold line breaks or commands to a terminal
        super().__init__(
            "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
        )


class WrongSetting(ValueError):
    """A setting of the whole project has a value that it cannot have. The message names its variable."""


Fail = Callable[..., NoReturn]
"""A function that raises ``CatalogError`` for a message and the keys that lead to the mistake."""
