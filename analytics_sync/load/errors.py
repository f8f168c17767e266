"""What can go wrong while loading.

In: the source and what the warehouse said. Out: an exception whose first line is complete, and
which holds no secret, nor does anything it was caused by.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dlt.pipeline.exceptions import PipelineStepFailed

from analytics_sync.common.errors import ExtractError
from analytics_sync.common.redaction import Redactor


class LoadError(Exception):
    """The warehouse did not take the data, or cannot be asked; no table was changed in part."""


@contextmanager
def warehouse_errors(dataset: str, doing: str, redact: Redactor) -> Iterator[None]:
    """Turn whatever the warehouse, its driver or the disk raise into a ``LoadError``.

    Args:
        dataset: Whose tables it is about.
        doing: What was being done, unless dlt knows better.
        redact: For the message, the traceback below it, and what is logged meanwhile.
    """
    try:
        with redact.in_logs():
            yield
    except (LoadError, ExtractError):
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
        # not as the cause: what lies beneath may hold what must not be shown
        raise LoadError(f"{redact(message)}\n{redact.trace(e)}".rstrip()) from None


def _root(error: BaseException) -> str:
    """What lies at the bottom of a chain of exceptions, in one line."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
