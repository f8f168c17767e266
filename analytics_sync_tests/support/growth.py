"""Growth: how the time of a function grows with the length of its text.

In: a function and a text of each length. Out: the time of a long text as a multiple of the time of a
short text. Both are CPU times of this thread, so that other processes of a busy machine do not
count.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_SHORT_LENGTH = 4_000
FACTOR = 16
# Time in proportion to the length grows 16 times, time with the square of the length 256 times.
MAX_GROWTH = 100
_REPETITIONS = 5


def growth(work: Callable[[str], object], text: Callable[[int], str]) -> float:
    """The CPU time of a text of ``FACTOR`` times the length, per CPU time of the short text.

    Args:
        work: The function to measure; it is called five times for each text, and the best counts.
        text: Builds a text of a given length.
    """
    return _seconds(work, text(FACTOR * _SHORT_LENGTH)) / _seconds(work, text(_SHORT_LENGTH))


def _seconds(work: Callable[[str], object], text: str) -> float:
    best = float("inf")
    for _ in range(_REPETITIONS):
        begin = time.thread_time()
        work(text)
        best = min(best, time.thread_time() - begin)
    return best
