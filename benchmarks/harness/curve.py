"""A curve: the results of one contender at several sizes, as a case.

In: results by size. Out: a case with one result for each size. Each result has the time of one
unit, which shows whether the curve is a straight line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from benchmarks.harness.measure import Result
from benchmarks.harness.suite import Case


def curve_case(name: str, results: Mapping[int, Result], unit: str, *, per: int = 1000) -> Case:
    """The case of a curve.

    Args:
        name: Printed name.
        results: Size -> result at this size.
        unit: Plural noun of the units that the size counts.
        per: Number of units for which the result shows the time in milliseconds.
    """
    points = []
    for size, result in results.items():
        figures = {name: value for name, value in result.figures.items() if name != "read"}
        if result.seconds is not None:
            units = f"{per:,} {unit}" if per > 1 else unit.removesuffix("s")
            figures[f"ms per {units}"] = result.seconds / size * per * 1000
        points.append(
            dataclasses.replace(result, way=f"{size:,} {unit}", size=size, figures=figures)
        )
    return Case(name, {"unit": unit}, points)
