"""What can go wrong while loading.

In: the source and what the warehouse said. Out: an exception whose first line is complete, and
which holds no secret, nor does anything it was caused by.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dlt.pipeline.exceptions import PipelineStepFailed

from analytics_sync.extract.errors import ReadError
from analytics_sync.extract.redact import Redactor


class LoadError(Exception):
    """The warehouse did not take the data, or cannot be asked; no table was changed in part."""


@contextmanager
def warehouse_errors(dataset: str, doing: str, *redactors: Redactor) -> Iterator[None]:
    """Turn whatever the warehouse, its driver or the disk raise into a ``LoadError``.

    Args:
        dataset: Whose tables it is about.
        doing: What was being done, unless dlt knows better.
        redactors: For the message and the traceback below it.
    """

    def plain(text: str) -> str:
        for redact in redactors:
            text = redact(text)
        return text

    try:
        with _in_logs(redactors):
            yield
    except (LoadError, ReadError):
        raise
    except Exception as e:  # dlt lets the errors of some drivers through as they are
        step = f"the {e.step} step" if isinstance(e, PipelineStepFailed) else doing
        advice = (
            "Look at the disk with the folder for temporary files (TMPDIR) and at the warehouse"
            if isinstance(e, OSError)
            else "Look at the destination's settings and state"
        )
        message = (
            f"{dataset}: {step} failed: {_root(e)} {advice}, then run again; "
            "rows already there were not changed in part."
        )
        trace = "\n".join(redact.trace(e) for redact in redactors[:1])
        # not as the cause: what lies beneath may hold what must not be shown
        raise LoadError(f"{plain(message)}\n{plain(trace)}".rstrip()) from None


@contextmanager
def _in_logs(redactors: tuple[Redactor, ...]) -> Iterator[None]:
    if not redactors:
        yield
        return
    with redactors[0].in_logs(), _in_logs(redactors[1:]):
        yield


def _root(error: BaseException) -> str:
    """What lies at the bottom of a chain of exceptions, in one line."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
