"""Tuning of the garbage collector: fewer collections, and shorter ones.

In: nothing. Out: two context managers, one for reads and one for the loading of definitions.
Decoded JSON is many objects without a cycle, and imported modules stay for the life of the process.
The collector visits all of these objects again and again. Its visits took two fifths of the time of
a large read, and a third of the time of a small run. Reference counts free unused objects anyway.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_RARE_GC_THRESHOLDS = (100_000, 50, 100)
_lock = threading.Lock()
_readers = 0
_usual_thresholds = gc.get_threshold()


@contextmanager
def infrequent_gc() -> Iterator[None]:
    """Collect rarely while at least one block runs, in any thread."""
    global _readers, _usual_thresholds
    with _lock:
        if _readers == 0:
            _usual_thresholds = gc.get_threshold()
            gc.set_threshold(*_RARE_GC_THRESHOLDS)
        _readers += 1
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                gc.set_threshold(*_usual_thresholds)


@contextmanager
def freeze_objects() -> Iterator[None]:
    """Disable the garbage collector inside the block, then freeze every live object (`gc.freeze`).

    Later collections, and the collection at the end of the process, skip the frozen objects.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
