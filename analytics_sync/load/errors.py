"""The error of a load.

In: the source, and the exception of the warehouse, its driver or the disk. Out: a ``LoadError``
whose first line is a complete message. Neither the error nor its causes hold a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dlt.pipeline.exceptions import PipelineStepFailed

from analytics_sync.common.errors import ExtractError
from analytics_sync.common.redaction import Redactor
from analytics_sync.common.shown import shown

_MAX_CHARACTERS = 2000
_MAX_TRACE_CHARACTERS = 50_000


class LoadError(Exception):
    """The warehouse refused the data or a query. No table was changed in part."""


class WarehouseInUse(LoadError):
    """Somebody else has held the warehouse, or a table of it, for longer than a load may wait."""


@contextmanager
def warehouse_errors(dataset: str, doing: str, redact: Redactor) -> Iterator[None]:
    """Turn every exception of the warehouse, its driver or the disk into a ``LoadError``.

    Args:
        dataset: The dataset that the block works on.
        doing: Name of the action, for the message. dlt's own step replaces it where dlt names one.
        redact: Removes secrets from the message, from its traceback and from logs of the block.

    Raises:
        LoadError: The block raised an exception that is neither a ``LoadError`` nor an
            ``ExtractError``.
    """
    try:
        with redact.in_logs():
            yield
    except (LoadError, ExtractError):
        raise
    except Exception as e:  # dlt does not wrap the errors of some drivers
        if known := next((cause for cause in causes(e) if isinstance(cause, LoadError)), None):
            raise type(known)(redact(str(known))) from None  # it has its own advice
        step = f"the {e.step} step" if isinstance(e, PipelineStepFailed) else doing
        advice = (
            "Look at the disk with the folder for temporary files (TMPDIR) and at the warehouse"
            if isinstance(e, OSError)
            else "Look at the destination's settings and state"
        )
        message = (
            f"{dataset}: {step} failed: {_root(e, redact)} {advice}, then run again; "
            "rows already there were not changed in part."
        )
        # no cause: the exceptions below may hold secrets
        trace = redact.trace(e)[-_MAX_TRACE_CHARACTERS:]
        raise LoadError(f"{redact(message)}\n{trace}".rstrip()) from None


def _root(error: BaseException, redact: Redactor) -> str:
    """The first exception of a chain, on one line and shortened: drivers quote values of any length."""
    *_, root = causes(error)
    text = " ".join(redact(str(root)).split())
    return shown(f"{type(root).__name__}: {text}", _MAX_CHARACTERS)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what caused it, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
