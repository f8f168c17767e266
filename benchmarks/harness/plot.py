"""Plots of results, as SVG.

In: a suite's results as they are in JSON. Out: a file. Only here is matplotlib needed, and only
when a plot is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness.measure import LIMIT, OURS

_COLORS = {LIMIT: "#9aa0a6", OURS: "#1a73e8"}
_OTHER = "#dadce0"


class NotDrawn(Exception):
    """matplotlib is not installed."""


def draw_cases(document: Mapping[str, Any], file: Path) -> None:
    """One panel for each case: seconds as bars, and how often what it is compared with fits in.

    Raises:
        NotDrawn: matplotlib is not installed.
    """
    plt = _matplotlib()
    cases = [_bars(case) for case in document["cases"]]
    columns = min(2, len(cases))
    lines = -(-len(cases) // columns)
    # the panels of a line share its height
    heights = [
        max(len(bars) for _, bars in cases[line * columns : (line + 1) * columns]) + 1.5
        for line in range(lines)
    ]
    figure, axes = plt.subplots(
        lines,
        columns,
        figsize=(6.5 * columns, 0.4 * sum(heights)),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for panel in axes.flat[len(cases) :]:
        panel.set_axis_off()
    for panel, (name, bars) in zip(axes.flat, cases, strict=False):
        _panel(panel, name, bars)
    _finish(plt, figure, document, file)


def draw_curves(
    document: Mapping[str, Any], file: Path, *, value: str = "seconds", unit: str = "seconds"
) -> None:
    """One panel for each case: a value over the size, both logarithmic, and what linear would be.

    Args:
        document: The results.
        file: To write.
        value: Which of a result's numbers.
        unit: Of it.

    Raises:
        NotDrawn: matplotlib is not installed.
    """
    plt = _matplotlib()
    cases = [case for case in document["cases"] if any(r["seconds"] for r in case["results"])]
    figure, axes = plt.subplots(
        1, len(cases), figsize=(4.5 * len(cases), 3.8), squeeze=False, layout="constrained"
    )
    for panel, case in zip(axes.flat, cases, strict=True):
        points = [(r["size"], r[value]) for r in case["results"] if r[value]]
        sizes, values = zip(*points, strict=True)
        linear = [values[-1] * size / sizes[-1] for size in sizes]
        panel.plot(sizes, linear, "--", color=_OTHER, label="linear")
        panel.plot(sizes, values, "o-", color=_COLORS[OURS], label="measured")
        panel.loglog()
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
        panel.yaxis.set_major_locator(plt.LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter(plt.FuncFormatter(lambda number, _: f"{number:,.12g}"))
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_minor_formatter(plt.NullFormatter())
        panel.set_xlabel(case["parameters"]["unit"], fontsize=8)
        panel.set_title(case["name"], fontsize=10, loc="left")
        panel.set_ylabel(unit, fontsize=8)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(fontsize=8, frameon=False)
    _finish(plt, figure, document, file)


def _finish(plt: Any, figure: Any, document: Mapping[str, Any], file: Path) -> None:
    figure.suptitle(f"{document['about']}  ({document['machine']['cpus']} CPUs)", fontsize=10)
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)


def _bars(case: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]]:
    return case["name"], [r for r in case["results"] if r["seconds"] is not None]


def _panel(panel: Any, name: str, bars: list[Mapping[str, Any]]) -> None:
    drawn = panel.barh(
        [r["way"] for r in bars],
        [r["seconds"] for r in bars],
        color=[_COLORS.get(r["way"], _OTHER) for r in bars],
    )
    labels = [f"{r['seconds']:.2f} s{_ratio(r)}" for r in bars]
    panel.bar_label(drawn, labels, padding=3, fontsize=8)
    panel.margins(x=0.6)
    panel.invert_yaxis()
    panel.set_title(name, fontsize=10, loc="left")
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_xlabel("seconds", fontsize=8)


def _ratio(result: Mapping[str, Any]) -> str:
    """To what its suite compares with first."""
    first = next(iter(result["ratios"].items()), None)
    return f"  ({first[1]:.2f} x {first[0]})" if first else ""


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError as e:
        raise NotDrawn("matplotlib is not installed; no plots are drawn") from e
    matplotlib.use("Agg")
    # the same results make the same file
    matplotlib.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"})
    from matplotlib import pyplot

    return pyplot
