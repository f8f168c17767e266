"""The lines of keys: where the key of a defect stands in its file, and which rules a comment leaves out there.

In: the file of a source. Out: the line of a key of a resource, of its defaults, or of the nearest key above. A
comment ``lint: ignore RULE`` on a line, or on the line above it, leaves a rule out.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any

from analytics_sync.catalog import CatalogError, Resource, Source
from analytics_sync.catalog.files.text_file import read_text
from analytics_sync.catalog.files.yaml_config import Lines, line_of, parse_yaml
from analytics_sync.catalog.loader import YAML_SUFFIXES
from analytics_sync.catalog.naming import resource_name
from analytics_sync.commands.lint.defect import Path

_DEFAULTS = "resource_defaults"
_IGNORE = re.compile(r"#\s*lint: ignore\s+([\w\-, ]+)")


class KeyLines:
    """The lines of one file. A file in Python has those of its resources only.

    Args:
        source: A source of the file.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        api = source.levels[-1]
        self.file = api.file
        self._lines: Lines = {}
        self._data: dict[str, Any] = {}
        self._text: list[str] = []
        with suppress(CatalogError):  # the file has changed since it was loaded
            text = read_text(FilePath(api.path))
            self._text = text.splitlines()
            if FilePath(api.path).suffix in YAML_SUFFIXES:
                self._data, self._lines = parse_yaml(text, api.file)

    def is_ignored(self, line: int, rule: str) -> bool:
        """Whether a comment leaves a rule out at a line."""
        near = self._text[max(0, line - 2) : line]
        return any(rule in found[1] for text in near if (found := _IGNORE.search(text)))

    def line(self, resource: Resource, path: Path) -> int:
        """The line of a key of a resource."""
        known = self._source.api_lines.get(resource.name, self._source.line)
        if path[:1] == ("client",):
            return line_of(self._lines, path) or self._source.line
        own: Path = ("resources", self._index(resource))
        for end in range(len(path), 0, -1):
            found = (*own, *path[:end]), (_DEFAULTS, *path[:end])
            for candidate in found:
                if candidate in self._lines:
                    return self._lines[candidate]
            if path[0] == "endpoint" and end == len(path) and ("client", *path[1:]) in self._lines:
                return self._lines[("client", *path[1:])]
        return line_of(self._lines, own) or known

    def _index(self, resource: Resource) -> int:
        for number, declared in enumerate(self._data.get("resources") or ()):
            name = declared.get("name") if isinstance(declared, dict) else declared
            if resource_name(str(name)) == resource.name:
                return number
        return -1
