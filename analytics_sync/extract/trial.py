"""The trial: a read that ends after a number of pages.

In: the largest number of pages of a resource. Out: whether one more page may be requested, and what the
check ``complete`` says. A trial is never a complete read, not even if the resource has fewer pages.
"""

from __future__ import annotations

import threading

from analytics_sync.common.shown import counted

TRIAL_END = "the page limit of the trial"


class PageLimit:
    """The pages that one resource may still request. Threads may share it.

    Args:
        pages: How many pages at most.
    """

    def __init__(self, pages: int) -> None:
        self._pages = pages
        self._left = pages
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take a page; false if none is left."""
        with self._lock:
            is_left = self._left > 0
            self._left -= is_left
            return is_left

    def give_back(self) -> None:
        """Give back a page that the API has refused: other bounds are requested in its place."""
        with self._lock:
            self._left += 1

    @property
    def finding(self) -> str:
        """Why the read is not complete, as a sentence."""
        return trial_text(self._pages)


def trial_text(pages: int) -> str:
    """What a trial is, as a sentence."""
    return (
        f"This was a trial of at most {counted(pages, 'page')}: no row was marked or removed, and nothing "
        "counts as read. Run without page_limit to read everything."
    )
