"""The interpreter's branches and loops: known ones as Python runs them, others in each way they may run.

In: compound statements. Out: how they ended. A value that is not the same in each way is ``Code``.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from analytics_sync.catalog.from_python.assignments import Assignments
from analytics_sync.catalog.from_python.choices import unknown
from analytics_sync.catalog.from_python.states import CHOICE, End, ProgramState, reach
from analytics_sync.catalog.from_python.values import (
    Class,
    Function,
    Known,
    NameScope,
    Value,
)

_EXITS = frozenset({"exit", "_exit", "quit"})
_MOST_ROUNDS = 1000
_SAFE = (ast.Assign, ast.AnnAssign, ast.Pass, ast.Constant, ast.Name, ast.expr_context)


class Branches(Assignments):
    """Executes ``if``, ``for``, ``while``, ``match``, ``try`` and ``with``."""

    def block(self, nodes: Sequence[ast.stmt], scope: NameScope) -> End:
        """Execute statements one after the other."""
        for node in nodes:
            self.work.step(self.line(node))
            end = self.statement(node, scope)
            if end is not None:
                return end
        return None

    def statement(self, node: ast.stmt, scope: NameScope) -> End:
        raise NotImplementedError

    def branch(self, node: ast.stmt, scope: NameScope) -> End:
        """Execute a compound statement."""
        match node:
            case ast.If():
                return self._if(node, scope)
            case ast.For() | ast.AsyncFor() | ast.While():
                outer, self.frame.exits = self.frame.exits, []  # those of the loop around this one
                if isinstance(node, ast.While):
                    end = self._while(node, scope)
                else:
                    end = self._for(node, scope)
                self.frame.exits = [*outer, *self.frame.exits]
                return end
            case ast.Match():
                return self._match(node, scope)
            case ast.With() | ast.AsyncWith():
                return self._with(node, scope)
            case ast.Try() | ast.TryStar():
                return self._try(node, scope)
        return None

    def _if(self, node: ast.If, scope: NameScope) -> End:
        if _is_main(node.test):
            return self.block(node.body, scope)
        truth = self.truth(self.evaluate(node.test, scope))
        if truth is not None:
            return self.block(node.body if truth else node.orelse, scope)
        ways = [lambda: self.block(node.body, scope), lambda: self.block(node.orelse, scope)]
        return self.either(ways, scope, self.line(node))

    def _for(self, node: ast.For | ast.AsyncFor, scope: NameScope) -> End:
        line = self.line(node)
        value = self.evaluate(node.iter, scope)
        items = self.items(value)
        if items is None:
            item = unknown("an item that only a run could tell", line, [value])

            def once() -> None:
                self.bind(node.target, item, scope)
                self._any_round(node.body, scope, line)

            self.repeat(once, scope, line)
            self.perhaps(lambda: self.block(node.orelse, scope), scope, line)
            return None
        ended: list[tuple[End, ProgramState]] = []
        for item in items:
            self.work.step(line)
            self.bind(node.target, item, scope)
            end = self._round(node.body, scope, ended, line)
            if end is not None:
                return self._after(ended, line)
        return self._otherwise(node.orelse, ended, scope, line)

    def _while(self, node: ast.While, scope: NameScope) -> End:
        line = self.line(node)
        ended: list[tuple[End, ProgramState]] = []
        rounds = 0
        while True:
            self.work.step(line)
            truth = self.truth(self.evaluate(node.test, scope))
            if truth is False:
                return self._otherwise(node.orelse, ended, scope, line)
            if truth is None or ended or rounds > _MOST_ROUNDS:
                break
            rounds += 1
            if self._round(node.body, scope, ended, line) is not None:
                return self._after(ended, line)

        def once() -> None:
            self._any_round(node.body, scope, line)
            self.evaluate(node.test, scope)

        self.repeat(once, scope, line)
        self.perhaps(lambda: self.block(node.orelse, scope), scope, line)
        return self._after([*ended, (None, self.state(scope, line))], line)

    def _round(
        self,
        body: Sequence[ast.stmt],
        scope: NameScope,
        ended: list[tuple[End, ProgramState]],
        line: int,
    ) -> End:
        """One round of a loop. Ends of the loop are added to ``ended``; None if a round follows."""
        end = self.block(body, scope)
        going: list[tuple[End, ProgramState]] = [
            (None, state) for state in self.frame.take("continue")
        ]
        ended += [("break", state) for state in self.frame.take("break")]
        if end in {None, "continue"}:
            for _, state in going:
                state.join(line)
            return None
        ended.append((end, self.state(scope, line)))
        return self.meet(going, line) if going else end

    def _any_round(self, body: Sequence[ast.stmt], scope: NameScope, line: int) -> None:
        """A round of a loop of which it is not known how often it runs, and where it ends."""
        before = self.state(scope, line)
        end = self.block(body, scope)
        taken = [*self.frame.take("continue"), *self.frame.take("break")]
        paths: list[tuple[End, ProgramState]] = [(None, state) for state in taken]
        if end in {None, "continue", "break"}:
            paths.append((None, self.state(scope, line)))
        elif end == "return":
            self.frame.exits.append((end, self.state(scope, line)))
        self.meet(paths or [(None, before)], line)

    def _after(self, ended: list[tuple[End, ProgramState]], line: int) -> End:
        """Go on after a loop that ended in one of these states."""
        return self.meet([(None if end == "break" else end, s) for end, s in ended], line)

    def _otherwise(
        self,
        orelse: Sequence[ast.stmt],
        ended: list[tuple[End, ProgramState]],
        scope: NameScope,
        line: int,
    ) -> End:
        """The ``else`` of a loop that came to its end, and the states in which it may have ended before."""
        end = self.block(orelse, scope)
        return self._after([*ended, (end, self.state(scope, line))], line) if ended else end

    def _match(self, node: ast.Match, scope: NameScope) -> End:
        line = self.line(node)
        subject = self.evaluate(node.subject, scope)

        def case(number: int) -> End:
            if number == len(node.cases):
                return None
            found = node.cases[number]
            self.perhaps(lambda: self._capture(found.pattern, subject, scope), scope, line)
            if found.guard is None and isinstance(found.pattern, ast.MatchAs):
                if found.pattern.pattern is None:  # any value
                    return self.block(found.body, scope)
            elif found.guard is not None:
                self.perhaps(lambda: self.evaluate(found.guard, scope), scope, line)  # type: ignore[arg-type]
            ways = [lambda: self.block(found.body, scope), lambda: case(number + 1)]
            return self.either(ways, scope, line)

        return case(0)

    def _capture(self, pattern: ast.pattern, subject: Value, scope: NameScope) -> None:
        """Names of a pattern. Python may give them values even if the pattern does not match."""
        for part in ast.walk(pattern):
            name = getattr(part, "name", None) or getattr(part, "rest", None)
            if isinstance(name, str):
                scope.assign(name, unknown(CHOICE, self.line(part), [subject]))

    def _with(self, node: ast.With | ast.AsyncWith, scope: NameScope) -> End:
        line = self.line(node)
        managers: list[Value] = []
        quiet = False
        for item in node.items:
            made = item.context_expr
            if isinstance(made, ast.Call) and isinstance(made.func, ast.Name | ast.Attribute):
                kind = self.evaluate(made.func, scope).data
                quiet = quiet or (isinstance(kind, Known) and kind.last == "suppress")
            value = self.evaluate(made, scope)
            managers.append(value)
            if item.optional_vars is not None:
                own = isinstance(value.data, Known)
                given = value if own else unknown("the value of a with statement", line, [value])
                self.bind(item.optional_vars, given, scope)
        doubted = [v for v in managers if not isinstance(v.data, Known)]
        self.touch(doubted, scope, line)
        if not quiet and not any(_is_own(v) for v in doubted):
            return self.block(node.body, scope)
        end = self._attempt(node.body, [], [None], scope, line)
        self.touch(doubted, scope, line)
        return end

    def _try(self, node: ast.Try | ast.TryStar, scope: NameScope) -> End:
        line = self.line(node)
        handlers = [h for h in node.handlers if not _fails(h.body)]
        known = len(self.frame.exits)
        if handlers:
            end = self._attempt(node.body, node.orelse, handlers, scope, line)
        else:
            end = self.block([*node.body, *node.orelse], scope)
        if not node.finalbody:
            return end
        paths = [*self.frame.exits[known:], (end, self.state(scope, line))]
        del self.frame.exits[known:]
        finished: list[tuple[End, ProgramState]] = []
        for kind, state in paths:
            state.restore()
            last = self.block(node.finalbody, scope)
            finished.append((last or kind, self.state(scope, line)))
        return self.meet(finished, line)

    def _attempt(
        self,
        body: Sequence[ast.stmt],
        orelse: Sequence[ast.stmt],
        handlers: Sequence[ast.ExceptHandler | None],
        scope: NameScope,
        line: int,
    ) -> End:
        """Code that may fail at each statement. A handler that is None does nothing."""
        states = [self.state(scope, line)]
        self.tries.append((scope, self.frame, states))
        end: End = None
        for node in body:
            self.work.step(line)
            end = self.statement(node, scope)
            states.append(self.state(scope, line))
            if end is not None:
                break
        self.tries.pop()
        if end is None:
            end = self.block(orelse, scope)
        if all(isinstance(part, _SAFE) for node in body for part in ast.walk(node)):
            return end
        paths = [(end, self.state(scope, line))]
        for handler in handlers:
            states[0].restore()
            for state in states[1:]:
                state.join(line)
            if handler is not None and handler.name:
                scope.assign(handler.name, self.code("an error of a run", handler))
            last = self.block(handler.body if handler else [], scope)
            paths.append((last, self.state(scope, line)))
        return self.meet(paths, line)


def _is_own(value: Value) -> bool:
    """Whether a value may be an object of the file's own code, which may end with ``__exit__``."""
    return any(isinstance(v.data, Class | Function) for v in reach([value]))


def _is_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and isinstance(test.ops[0], ast.Eq)
    )


def _fails(branch: Sequence[ast.stmt]) -> bool:
    """Whether code always ends with an error, so that nothing follows it in a right run."""
    parts = [part for node in branch for part in ast.walk(node)]
    if any(isinstance(part, ast.Return | ast.Break | ast.Continue) for part in parts):
        return False
    last = branch[-1] if branch else None
    return isinstance(last, ast.Raise) or (isinstance(last, ast.Expr) and ends_program(last.value))


def ends_program(node: ast.expr) -> bool:
    """Whether an expression is a call such as ``sys.exit()``."""
    return isinstance(node, ast.Call) and called_name(node) in _EXITS


def called_name(node: ast.Call) -> str:
    """The last name of the function that is called; empty for a function without a name."""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))
