"""What can go wrong while loading.

In: the source and what the warehouse said. Out: an exception whose first line is complete.
"""

from __future__ import annotations


class LoadError(Exception):
    """The warehouse did not take the data; no table was changed in part."""
