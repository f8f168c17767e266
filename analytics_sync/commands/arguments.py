"""Kinds of arguments of the command line.

In: the text of an argument. Out: its value, or the reason why it is none.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A reader of an argument that is a whole number.

    Args:
        least: The smallest number that it takes.
        most: The largest.
    """

    def read(text: str) -> int:
        if text.isascii() and text.isdecimal() and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(
            f"expected a whole number from {least} to {most:,}, found {text!r}"
        )

    return read


class ShowVersion(argparse.Action):
    """Print the installed version; only this option pays for reading the package's metadata."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"{parser.prog} {version('analytics_sync')}")
        parser.exit()
