"""Tables of text on standard output.

In: rows of cells, the head first. Out: lines whose columns stand below each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def table_lines(rows: Sequence[Sequence[str]], *, of_numbers: bool = False) -> Iterator[str]:
    """The lines of a table.

    Args:
        rows: At least one row; all of them have as many cells.
        of_numbers: Whether the cells after the first one stand on the right.
    """
    side = ">" if of_numbers else "<"
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        others = (f"{cell:{side}{w}}" for cell, w in zip(cells, widths[1:], strict=True))
        yield "  ".join([f"{name:<{widths[0]}}", *others]).rstrip()
