"""The stages of a load: how long each of them took.

In: blocks of a load. Out: seconds by stage. The stages are those of the whole run: resources are read at
the same time, and dlt normalizes and loads all of them together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from time import monotonic
from typing import Any


class Stage(StrEnum):
    """A stage of a load."""

    READING = "reading"
    NORMALIZING = "normalizing"
    WAITING = "waiting_for_warehouse"
    LOADING = "loading"


class Stages:
    """Takes the time of stages. Blocks of one stage count together."""

    def __init__(self) -> None:
        self._seconds: dict[Stage, float] = {}

    @contextmanager
    def time(self, stage: Stage) -> Iterator[None]:
        """Count the time of the block."""
        began = monotonic()
        try:
            yield
        finally:
            self._add(stage, monotonic() - began)

    @contextmanager
    def after(self, stage: Stage, entered: AbstractContextManager[Any]) -> Iterator[None]:
        """Enter a context and run the block in it. Only the time to enter counts for the stage."""
        began = monotonic()
        with entered:
            self._add(stage, monotonic() - began)
            yield

    def _add(self, stage: Stage, seconds: float) -> None:
        self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds

    @property
    def seconds(self) -> Mapping[Stage, float]:
        """The seconds of each stage that the load has had."""
        return dict(self._seconds)
