"""The draft of a catalog file: plain data, the line of each key, and the notes for people.

In: values of the interpreter, and the places where they belong. Out: plain data. A part that has no
plain form becomes a to-do with its line and reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from analytics_sync.catalog.files.yaml_config import MAX_DEPTH, MAX_VALUES, Lines, Path
from analytics_sync.catalog.from_python.limits import TooMuchWork, unwritable
from analytics_sync.catalog.from_python.methods import text_of
from analytics_sync.catalog.from_python.setting_texts import reference, spelled_text
from analytics_sync.catalog.from_python.values import (
    Class,
    Code,
    Encoded,
    FoundSource,
    Function,
    Known,
    Moment,
    Setting,
    SettingText,
    Value,
)

TODO = "TODO"
"""The text in place of a value that has no plain form. No file with a to-do loads."""

_UNFILLED = frozenset({"FILL_ME_IN", "OPTIONAL_CONFIG"})


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of the file that has no plain form."""

    message: str
    line: int
    resource: str = ""
    key: str = ""


@dataclass(slots=True)
class Draft:
    """What one source became.

    ``name`` is the name that the program gives it, ``fallback`` the name of the function or variable.
    ``lines`` are those of ``data``. ``notes`` say what was left out or chosen without a change of rows.
    """

    name: str | None = None
    fallback: str = ""
    line: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    lines: Lines = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    resource: str = ""
    count: int = 0

    def todo(self, why: str, line: int, path: Path = ()) -> str:
        """Note a to-do, and give the text that takes its place."""
        if self.resource:
            path = path[2:]
        problem = Problem(why, line, self.resource, ".".join(map(str, path)))
        if problem not in self.problems:
            self.problems.append(problem)
        return f"{TODO} line {line}"

    def note(self, text: str, line: int) -> None:
        if (line, text) not in self.notes:
            self.notes.append((line, text))

    def mark(self, path: Path, value: Value) -> None:
        """Keep the line of a key."""
        self.lines.setdefault(path, value.line)

    def entries(self, value: Value, path: Path) -> Iterator[tuple[Any, Value, Path]]:
        """The keys of a dictionary that are not None, with their values and places. Keeps all lines."""
        self.mark(path, value)
        for key, item in value.data.items():
            here = (*path, str(key))
            self.mark(here, item)
            if item.data is not None:
                yield key, item, here

    def mapping(self, value: Value, path: Path, *, without: Iterable[str] = ()) -> dict[str, Any]:
        """A dictionary as plain data, without some keys, and without those that are None."""
        self.mark(path, value)
        return {
            str(key): self.plain(item, (*path, str(key)))
            for key, item in value.data.items()
            if key not in without and item.data is not None
        }

    def plain(self, value: Value, path: Path) -> Any:
        """A value as plain data."""
        self.mark(path, value)
        self.count += 1
        if self.count > MAX_VALUES or len(path) > MAX_DEPTH:
            raise TooMuchWork(
                f"nested deeper than {MAX_DEPTH} levels, or too many values; that is no configuration",
                value.line,
            )
        data = text_of(value.data)
        if isinstance(data, dict):
            return {str(k): self.plain(v, (*path, str(k))) for k, v in data.items()}
        if isinstance(data, list):
            return [self.plain(v, (*path, i)) for i, v in enumerate(data)]
        if isinstance(data, Setting | SettingText):
            return self.setting(value, path)
        if data is None or isinstance(data, str | int | float):
            return self._scalar(Value(data, value.line), path)
        return self.todo(_why(data), data.line if isinstance(data, Code) else value.line, path)

    def setting(self, value: Value, path: Path) -> Any:
        """A setting, alone or in a text, as a catalog file spells it."""
        data = value.data
        if isinstance(data, Setting):
            return reference(data, path)
        if any(isinstance(part, Encoded) for part in data.parts):
            return self.todo("a text in base64; use auth with type http_basic", value.line, path)
        return spelled_text(data, path)

    def _scalar(self, value: Value, path: Path) -> Any:
        data = value.data
        if problem := unwritable(data):
            return self.todo(problem, value.line, path)
        if isinstance(data, float) and not math.isfinite(data):
            return self.todo("a number that is not finite", value.line, path)
        if isinstance(data, str) and data in _UNFILLED:
            return self.todo(
                f"{data} is a gap that dlt's generator left; write the value or a setting",
                value.line,
                path,
            )
        return data


def _why(data: Any) -> str:
    """Why a value has no plain form, and what to do."""
    match data:
        case Code():
            return f"{data.why}; write the value itself"
        case Known():
            return f"{data.last} comes from outside of this file; write the value itself"
        case Moment():
            return (
                "the time of the run; use endpoint.incremental with start_param for a time filter"
            )
        case Function():
            return "this is code (a function); write the value itself"
        case Class():
            return f"this is code (the class {data.name}); write the value itself"
        case Encoded():
            return "a text in base64; use auth with type http_basic"
        case FoundSource():
            return "this is code (another source); write the value itself"
    return f"a value of the type {type(data).__name__}; write plain data"
