"""States: all that code can reach, as it is at one moment, and what two states have in common.

In: the scopes and the frame of code. Out: a ``ProgramState`` that is restored, or joined with the present:
all in which the two differ is ``Code`` from then on, under each of its names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from analytics_sync.catalog.from_python.limits import Work
from analytics_sync.catalog.from_python.values import (
    Class,
    Code,
    Encoded,
    FoundSource,
    Function,
    Known,
    Moment,
    NameScope,
    Setting,
    SettingText,
    Value,
    parts,
)

End = Literal["return", "raise", "break", "continue"] | None
CHOICE = "a value that depends on a choice only a run could make"
_EQUAL = (str, int, float, bool, Setting, SettingText, Encoded, Moment, Known)
LEADS_ON = (dict, list, Code, Function, Class, FoundSource)
_TRACKED = (dict, list, Code, Function, Class, Known)
_PER_STEP = 8


@dataclass(slots=True)
class Frame:
    """One call of a function: its result, what it yields, and the states in which it may have ended.

    ``unsure`` tells that only a run could tell what it yields. ``exits`` are the states at a ``return``,
    ``break`` or ``continue`` that only a run could choose.
    """

    result: Value | None = None
    yielded: list[Value] = field(default_factory=list)
    unsure: Code | None = None
    exits: list[tuple[End, ProgramState]] = field(default_factory=list)

    def take(self, kind: End) -> list[ProgramState]:
        """The states of one kind of exit. They are no exits any more."""
        taken = [state for end, state in self.exits if end == kind]
        self.exits = [(end, state) for end, state in self.exits if end != kind]
        return taken


class ProgramState:
    """The values and names that some scopes lead to, and the frame, as they are now."""

    def __init__(self, frame: Frame, scopes: Iterable[NameScope], work: Work, line: int) -> None:
        self.frame = frame
        self.result, self.yielded, self.unsure = frame.result, [*frame.yielded], frame.unsure
        self.values: dict[int, tuple[Value, Any, Any]] = {}
        self.scopes: dict[int, tuple[NameScope, dict[str, Value]]] = {}
        self._waiting: list[Value | NameScope] = [*scopes, *frame.yielded]
        if frame.result is not None:
            self._waiting.append(frame.result)
        while self._waiting:
            found = self._waiting.pop()
            if isinstance(found, NameScope):
                self._add_scope(found)
            elif id(found) not in self.values:
                self._add_value(found)
        work.step(line, (len(self.values) + len(self.scopes)) // _PER_STEP)

    def _add_scope(self, scope: NameScope) -> None:
        if id(scope) in self.scopes:
            return
        self.scopes[id(scope)] = (scope, dict(scope.names))
        self._waiting += [*scope.names.values(), *scope.elsewhere.values()]
        if scope.outer is not None:
            self._waiting.append(scope.outer)

    def _add_value(self, value: Value) -> None:
        data = value.data
        if isinstance(data, dict | list):
            self.values[id(value)] = (value, data, data.copy())
            inner = data.values() if isinstance(data, dict) else data
            self._waiting += [v for v in inner if isinstance(v.data, _TRACKED)]
        elif isinstance(data, Code):
            self.values[id(value)] = (value, data, None)
            self._waiting += data.holds
        elif isinstance(data, Function):
            self.values[id(value)] = (value, data, None)
            self._waiting += [data.scope, *data.defaults.values()]
        elif isinstance(data, Class):
            self.values[id(value)] = (value, data, None)
            self._waiting.append(data.scope)
        elif isinstance(data, Known):  # a session may get headers
            self.values[id(value)] = (value, data, None)

    def restore(self) -> None:
        """Give all values and names what they had."""
        for value, data, contents in self.values.values():
            value.data = data
            if isinstance(data, dict):
                data.clear()
                data.update(contents)
            elif isinstance(data, list):
                data[:] = contents
        for scope, names in self.scopes.values():
            scope.names.clear()
            scope.names.update(names)
        frame = self.frame
        frame.result, frame.yielded, frame.unsure = self.result, [*self.yielded], self.unsure

    def join(self, line: int, *, only_known: bool = False) -> bool:
        """Make all that is different now ``Code``.

        Args:
            line: The line of the choice.
            only_known: New lists and dictionaries are not kept in mind: all that leads to them is ``Code``.

        Returns:
            Whether the present differs from this state.
        """
        known = set(self.values) if only_known else None
        joint = _Joint(line, known)
        for value, data, contents in list(self.values.values()):
            joint.value(value, data, contents)
        for scope, names in self.scopes.values():
            joined = joint.names(names, scope.names)
            scope.names.clear()
            scope.names.update(joined)
        self._join_frame(joint)
        return joint.different

    def _join_frame(self, joint: _Joint) -> None:
        frame = self.frame
        frame.result = joint.slot(self.result, frame.result)
        plain = [
            [v for v in values if not isinstance(v.data, FoundSource)]
            for values in (self.yielded, frame.yielded)
        ]
        sure = self.unsure is None and frame.unsure is None and len(plain[0]) == len(plain[1])
        if sure and all(same(a, b) for a, b in zip(*plain, strict=True)):
            return  # the sources of all branches are kept
        frame.unsure = joint.code([*self.yielded, *frame.yielded], self.unsure)
        frame.yielded = [*self.yielded, *[v for v in frame.yielded if v not in self.yielded]]


@dataclass(slots=True)
class _Joint:
    """Joins what one state has with the present. ``different`` tells that they are not the same."""

    line: int
    known: set[int] | None
    different: bool = False

    def value(self, value: Value, data: Any, contents: Any) -> None:
        """Join a list or dictionary, in its place."""
        now = value.data
        if isinstance(data, dict) and isinstance(now, dict):
            if _order(contents, now) == _order(now, contents):
                joined = self.names(contents, now)
                now.clear()
                now.update(joined)
                return
        elif isinstance(data, list) and isinstance(now, list) and len(contents) == len(now):
            now[:] = [self.slot(a, b) or b for a, b in zip(contents, now, strict=True)]
            return
        elif contents is None and data is now:
            return
        old = data if isinstance(data, Code) else None
        value.data = self.code([*parts(old or contents), *parts(now)], old)

    def names(self, then: dict[Any, Value], now: dict[Any, Value]) -> dict[Any, Value]:
        joined: dict[Any, Value] = {}
        for key in [*then, *[k for k in now if k not in then]]:
            slot = self.slot(then.get(key), now.get(key))
            if slot is not None:
                joined[key] = slot
        return joined

    def slot(self, then: Value | None, now: Value | None) -> Value | None:
        """The value of a name, key or item, or ``Code``."""
        if then is now or (then is not None and now is not None and same(then, now)):
            return then
        both = [v for v in (then, now) if v is not None]
        old = then.data if then is not None and isinstance(then.data, Code) else None
        code = self.code(both, old, loose=then is None or now is None)
        return then if code is old and then is not None else Value(code, self.line)

    def code(self, both: list[Value], old: Code | None, *, loose: bool = False) -> Code:
        """What stands for several values. ``old`` itself, if it says so already."""
        loose = loose or any(isinstance(v.data, Code) and v.data.loose for v in both)
        holds = {
            identity(v): v
            for v in reach(both)
            if self.known is None or id(v) in self.known or not isinstance(v.data, dict | list)
        }
        if old is not None:
            mine = {identity(v) for v in old.holds}
            if (old.loose or not loose) and mine >= set(holds):
                return old
        self.different = True
        why, line = (old.why, old.line) if old else (CHOICE, self.line)
        return Code(why, line, loose, tuple(holds.values()))


def _order(of: dict[Any, Value], within: dict[Any, Value]) -> list[Any]:
    return [key for key in of if key in within]


def same(a: Value, b: Value) -> bool:
    """Whether two values cannot be told apart: one value, equal text or numbers, or one function."""
    if a is b:
        return True
    if type(a.data) is not type(b.data):
        return False
    if a.data is None or isinstance(a.data, _EQUAL):
        return bool(a.data == b.data)
    if isinstance(a.data, Function):
        return (
            a.data.node is b.data.node
            and a.data.scope is b.data.scope
            and a.data.defaults.keys() == b.data.defaults.keys()
            and all(same(v, b.data.defaults[k]) for k, v in a.data.defaults.items())
        )
    return False


def identity(value: Value) -> Any:
    """What tells a list, a function or a source from others, in each round of a loop."""
    data = value.data
    if isinstance(data, Function):
        return id(data.node)
    if isinstance(data, Class):
        return data.name
    return data.line if isinstance(data, FoundSource) else id(value)


def reach(values: Iterable[Value]) -> list[Value]:
    """The lists, dictionaries, functions, classes and sources that values are, or lead to."""
    found: dict[int, Value] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if id(value) not in found and isinstance(value.data, LEADS_ON):
            found[id(value)] = value
            waiting += parts(value.data)
    return [v for v in found.values() if not isinstance(v.data, Code)]
