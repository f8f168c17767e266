"""Wrong usage that the parser cannot see: a place, a window or a file that the command cannot take.

In: a sentence. Out: an exception that ends the command with status 2.
"""

from __future__ import annotations


class WrongUsage(Exception):
    """The command line asks for something that there is not. Its text says what to do next."""
