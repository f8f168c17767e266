"""One reading on its way.

In: what is asked for. Out: what all parts of the reading need to know of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from analytics_sync.extract.errors import Place
from analytics_sync.extract.journal import Journal
from analytics_sync.extract.reading import Reading
from analytics_sync.extract.window import Window
from analytics_sync.spec import Resource


@dataclass(frozen=True)
class Errand:
    """What is read, which part of it, and where things are taken down.

    Attributes:
        window: None for everything.
        deadline: On the monotonic clock.
    """

    resource: Resource
    window: Window | None
    place: Place
    reading: Reading
    journal: Journal
    deadline: float
