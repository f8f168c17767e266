"""Plots of results, as SVG.

In: the content of a suite's ``results.json``. Out: a file. Only this module needs matplotlib, and
only to draw a plot.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness.measure import LIMIT, OURS

_COLORS = {LIMIT: "#9aa0a6", OURS: "#1a73e8"}
_OTHER_COLOR = "#dadce0"


class MatplotlibMissing(Exception):
    """matplotlib is not installed, so no plot can be drawn."""


def draw_cases(document: Mapping[str, Any], file: Path) -> None:
    """Draw a panel for each case: seconds as bars, each with its ratio to the first baseline.

    Raises:
        MatplotlibMissing: matplotlib is not installed.
    """
    plt = _matplotlib()
    cases = [_measured_bars(case) for case in document["cases"]]
    columns = min(2, len(cases))
    rows = -(-len(cases) // columns)
    # The panels of a row have the height of the tallest one.
    heights = [
        max(len(bars) for _, bars in cases[row * columns : (row + 1) * columns]) + 1.5
        for row in range(rows)
    ]
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(6.5 * columns, 0.4 * sum(heights)),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for panel in axes.flat[len(cases) :]:
        panel.set_axis_off()
    for panel, (name, bars) in zip(axes.flat, cases, strict=False):
        _draw_bars(panel, name, bars)
    _finish(plt, figure, document, file)


def draw_curves(
    document: Mapping[str, Any], file: Path, *, value: str = "seconds", unit: str = "seconds"
) -> None:
    """Draw a panel for each case: a value over the size, both logarithmic, and a linear curve.

    Args:
        document: Content of ``results.json``.
        file: File to write.
        value: Key of the value in a result.
        unit: Name of the value with its unit, for the axis.

    Raises:
        MatplotlibMissing: matplotlib is not installed.
    """
    plt = _matplotlib()
    cases = [case for case in document["cases"] if any(r["seconds"] for r in case["results"])]
    figure, axes = plt.subplots(
        1, len(cases), figsize=(4.5 * len(cases), 3.8), squeeze=False, layout="constrained"
    )
    for panel, case in zip(axes.flat, cases, strict=True):
        _draw_curve(plt, panel, case, value, unit)
    _finish(plt, figure, document, file)


def _draw_curve(plt: Any, panel: Any, case: Mapping[str, Any], value: str, unit: str) -> None:
    points = [(r["size"], r[value]) for r in case["results"] if r[value]]
    sizes, values = zip(*points, strict=True)
    linear = [values[-1] * size / sizes[-1] for size in sizes]
    panel.plot(sizes, linear, "--", color=_OTHER_COLOR, label="linear")
    panel.plot(sizes, values, "o-", color=_COLORS[OURS], label="measured")
    panel.loglog()
    panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
    panel.yaxis.set_major_locator(plt.LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter(plt.FuncFormatter(lambda number, _: f"{number:,.12g}"))
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_minor_formatter(plt.NullFormatter())
    panel.set_xlabel(case["parameters"]["unit"], fontsize=8)
    panel.set_ylabel(unit, fontsize=8)
    _style(panel, case["name"])
    panel.legend(fontsize=8, frameon=False)


def _draw_bars(panel: Any, name: str, bars: list[Mapping[str, Any]]) -> None:
    drawn = panel.barh(
        [r["way"] for r in bars],
        [r["seconds"] for r in bars],
        color=[_COLORS.get(r["way"], _OTHER_COLOR) for r in bars],
    )
    labels = [f"{r['seconds']:.2f} s{_ratio_label(r)}" for r in bars]
    panel.bar_label(drawn, labels, padding=3, fontsize=8)
    panel.margins(x=0.6)
    panel.invert_yaxis()
    panel.set_xlabel("seconds", fontsize=8)
    _style(panel, name)


def _style(panel: Any, title: str) -> None:
    panel.set_title(title, fontsize=10, loc="left")
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)


def _measured_bars(case: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]]:
    return case["name"], [r for r in case["results"] if r["seconds"] is not None]


def _ratio_label(result: Mapping[str, Any]) -> str:
    """The ratio to the first baseline of the suite, or nothing."""
    first = next(iter(result["ratios"].items()), None)
    return f"  ({first[1]:.2f} x {first[0]})" if first else ""


def _finish(plt: Any, figure: Any, document: Mapping[str, Any], file: Path) -> None:
    figure.suptitle(f"{document['about']}  ({document['machine']['cpus']} CPUs)", fontsize=10)
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError as e:
        raise MatplotlibMissing("matplotlib is not installed; no plots are drawn") from e
    matplotlib.use("Agg")
    # Fixed identifiers, so that the same results give the same file.
    matplotlib.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"})
    from matplotlib import pyplot

    return pyplot
