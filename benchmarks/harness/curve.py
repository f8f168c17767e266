"""Results of one way at several sizes, as a case.

In: results by size. Out: a case whose results are points of a curve; each has what a unit took, so
that it can be seen whether the curve is a straight line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from benchmarks.harness.measure import Result
from benchmarks.harness.suite import Case


def curve(name: str, results: Mapping[int, Result], unit: str, *, per: int = 1000) -> Case:
    """The curve, point by point.

    Args:
        name: As printed.
        results: Size -> what was measured there.
        unit: What the size counts, in the plural.
        per: Of how many units the cost is told, in milliseconds.
    """
    points = []
    for size, result in results.items():
        figures = {name: value for name, value in result.figures.items() if name != "read"}
        if result.seconds is not None:
            some = f"{per:,} {unit}" if per > 1 else unit.removesuffix("s")
            figures[f"ms per {some}"] = result.seconds / size * per * 1000
        points.append(
            dataclasses.replace(result, way=f"{size:,} {unit}", size=size, figures=figures)
        )
    return Case(name, {"unit": unit}, points)
