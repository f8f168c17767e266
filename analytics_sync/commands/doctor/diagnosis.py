"""A diagnosis: one thing that was looked at, and what to do about it.

In: a name, a state and a sentence. Out: a value that the command prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a thing is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Diagnosis:
    """What was looked at, how it is, and what to do next.

    Attributes:
        name: The thing.
        state: How it is.
        text: What was found, and what to do if it is not ok.
    """

    name: str
    state: Health
    text: str


def ok(name: str, text: str) -> Diagnosis:
    """A thing that is as it should be."""
    return Diagnosis(name, Health.OK, text)


def warning(name: str, text: str) -> Diagnosis:
    """A thing that may be meant so."""
    return Diagnosis(name, Health.WARNING, text)


def failed(name: str, text: str) -> Diagnosis:
    """A thing for which a run fails, or does less than it should."""
    return Diagnosis(name, Health.FAILED, text)
