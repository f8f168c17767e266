"""Choices that only a run could make: each way is read from the same state, and the states are joined.

In: code that may run, that runs any number of times, or that is not read at all. Out: the values that
are the same in each case; all others are ``Code``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analytics_sync.catalog.from_python.limits import TooMuchWork, Work
from analytics_sync.catalog.from_python.states import End, Frame, ProgramState, reach
from analytics_sync.catalog.from_python.values import (
    Class,
    Code,
    FoundSource,
    Function,
    NameScope,
    Tuple,
    Value,
)

_MOST_ROUNDS = 40
_OUTSIDE = "a value that code outside of this file may have changed"


class Choices:
    """Reads code of which it is not known whether, or how often, it runs."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.work = Work()
        self.frame = Frame()
        self.found: list[FoundSource] = []
        self.tries: list[tuple[NameScope, Frame, list[ProgramState]]] = []
        self._unproven: set[int] = set()

    def run(
        self, function: Function, arguments: list[Value], keywords: dict[str, Value], line: int
    ) -> Value:
        raise NotImplementedError

    def state(self, scope: NameScope, line: int) -> ProgramState:
        return ProgramState(self.frame, [scope], self.work, line)

    def note_failure(self, scope: NameScope, line: int) -> None:
        """The program may fail here: each ``except`` around it begins with this state."""
        for outer, frame, states in self.tries:
            states.append(ProgramState(frame, [outer, scope], self.work, line))

    def either(self, ways: Sequence[Callable[[], End]], scope: NameScope, line: int) -> End:
        """Read each way from the present state.

        Returns:
            How the code goes on; the states of other ends are exits of the frame.
        """
        start = self.state(scope, line)
        paths: list[tuple[End, ProgramState]] = []
        for way in ways:
            if paths:
                start.restore()
            paths.append((way(), self.state(scope, line)))
        return self.meet(paths, line)

    def meet(self, paths: list[tuple[End, ProgramState]], line: int) -> End:
        """Go on with the paths that do not end here; without one, end as they do."""
        paths = [p for p in paths if p[0] != "raise"] or paths[:1]
        if not paths:
            return "raise"
        end = None if any(e is None for e, _ in paths) else paths[-1][0]
        going = [state for e, state in paths if e == end]
        self.frame.exits += [(e, state) for e, state in paths if e != end]
        going[0].restore()
        for state in going[1:]:
            state.join(line)
        return end

    def choose(
        self, ways: Sequence[Callable[[], Value]], scope: NameScope, line: int
    ) -> list[Value]:
        """Evaluate expressions of which only one is evaluated in a run. The values of all."""
        values: list[Value] = []

        def evaluate(way: Callable[[], Value]) -> None:
            values.append(way())

        self.either([lambda way=way: evaluate(way) for way in ways], scope, line)  # type: ignore[misc]
        return values

    def perhaps(self, way: Callable[[], object], scope: NameScope, line: int) -> None:
        """Read code that may run, or not."""
        start = self.state(scope, line)
        way()
        start.join(line)

    def repeat(self, once: Callable[[], object], scope: NameScope, line: int) -> None:
        """Read code that runs any number of times: until one more round changes nothing."""
        known, exits = len(self.found), len(self.frame.exits)
        for _ in range(_MOST_ROUNDS):
            del self.found[known:], self.frame.exits[exits:]
            before = self.state(scope, line)
            once()
            if not before.join(line, only_known=True):
                return
        raise TooMuchWork("a loop whose values only a run could tell", line)

    def touch(
        self, given: Sequence[Value], scope: NameScope, line: int, *, changes: bool = True
    ) -> None:
        """Code that is not read gets these values: it may change them, and call their functions.

        Args:
            given: The values.
            scope: The names around.
            line: The line of the call.
            changes: Whether the code may change them.
        """
        reached = reach(given)
        functions = [v for v in reached if isinstance(v.data, Function)]
        if changes:
            _change(given, reached, line)
        self.call_any(functions, [], {}, scope, line)

    def call_any(
        self,
        functions: Sequence[Value],
        arguments: list[Value],
        keywords: dict[str, Value],
        scope: NameScope,
        line: int,
    ) -> list[Value]:
        """Read calls of some of these functions, any number of times. The results of the last round."""
        functions = [f for f in functions if id(f.data.node) not in self._unproven]
        if not functions:
            return []
        nodes = {id(f.data.node) for f in functions}
        self._unproven |= nodes
        given = [*functions, *arguments, *keywords.values()]
        world = NameScope({str(i): value for i, value in enumerate(given)}, scope)
        results: list[Value] = []

        def once() -> None:
            results.clear()
            for function in functions:
                self.perhaps(
                    lambda f=function: results.append(self.run(f.data, arguments, keywords, line)),  # type: ignore[misc]
                    world, line,
                )  # fmt: skip

        try:
            self.repeat(once, world, line)
        finally:
            self._unproven -= nodes
        return results


def _change(given: Sequence[Value], reached: Sequence[Value], line: int) -> None:
    functions = tuple(v for v in reached if isinstance(v.data, Function))
    for value in reached:
        if isinstance(value.data, dict | list) and not isinstance(value.data, Tuple):
            value.data = Code(_OUTSIDE, line, holds=functions)
    for value in given:
        if isinstance(value.data, Class):
            names = value.data.scope.names
            names.update({key: unknown(_OUTSIDE, line, [v]) for key, v in names.items()})


def unknown(why: str, line: int, values: Sequence[Value], *, loose: bool = False) -> Value:
    """Code that stands for one of these values, or for something that leads to them."""
    return Value(Code(why, line, loose, tuple(reach(values))), line)
