"""The format of a bound from a ``convert`` function: found out with two samples.

In: a function of the file, and the format of the cursor that it gets. Out: a ``param_format``, and the text
that the function writes around a bound. The interpreter works the function out; it does not run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from analytics_sync.catalog.from_python.interpreter import Interpreter
from analytics_sync.catalog.from_python.known_calls import call_known
from analytics_sync.catalog.from_python.limits import TooMuchWork
from analytics_sync.catalog.from_python.methods import is_pattern, spelled, text_of
from analytics_sync.catalog.from_python.values import Function, Known, Value

START = "{incremental.start_value}"
_SAMPLES = (
    datetime(2031, 11, 23, 4, 5, 6, tzinfo=UTC),
    datetime(2032, 12, 13, 14, 25, 36, tzinfo=UTC),
)
_FORMATS = (
    "iso", "iso_ms", "epoch_ms", "epoch_s", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%d %H:%M:%S+00:00",
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y%m%d%H%M%S", "date",
    "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d",
)  # fmt: skip


def bound_format(convert: Value, own: str | None) -> tuple[str, str] | None:
    """The format that ``convert`` writes, and its text with ``START`` in place of the bound.

    Args:
        convert: The function.
        own: The format of the cursor in records; None if it is not known.

    Returns:
        None for a function of another kind.
    """
    given = [spelled_bound(own or "iso", sample) for sample in _SAMPLES]
    written = [text_of(_result(convert, value)) for value in given]
    if any(isinstance(w, bool) or not isinstance(w, str | int | float) for w in written):
        return None
    for form in (*_patterns(convert), *_FORMATS):
        texts = [spelled_bound(form, sample) for sample in _SAMPLES]
        if written == texts or [str(w) for w in written] == [str(t) for t in texts]:
            return form, START
        around = {str(w).replace(str(t), START) for w, t in zip(written, texts, strict=True)}
        first = next(iter(around))
        if len(around) == 1 and first.count(START) == 1:
            return form, first
    return None


def spelled_bound(form: str, moment: datetime) -> Any:
    """A time in the format of a ``param_format``."""
    if form == "iso_ms":
        return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
    return spelled(moment, form)


def _patterns(convert: Value) -> Iterator[str]:
    """The strftime patterns in the text of a function."""
    if isinstance(convert.data, Function):
        for node in ast.walk(convert.data.node):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and is_pattern(text) and text != "%Y-%m-%d":
                yield text


def _result(convert: Value, given: Any) -> Any:
    """What the function gives for a value."""
    value = Value(given, convert.line)
    try:
        if isinstance(convert.data, Function):
            return Interpreter(0).run(convert.data, [value], {}, convert.line).data
        if isinstance(convert.data, Known):
            return call_known(convert.data.name, [value], {}, convert.line).data
    except TooMuchWork:
        return None
    return None
