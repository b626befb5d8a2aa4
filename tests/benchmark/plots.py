"""SVG plots of the scaling series. The same figures give the same files."""

from __future__ import annotations

import pathlib
import statistics

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from figures import Series
from series import CALLS_PER_SECOND

# Text stays text: small files, and letters of the reader's own. The ids come from the salt.
matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "passfort-gateway", "font.family": "sans-serif"})

# Told apart without colour too. The background is white, so that they can be read on dark pages.
STYLES = {
    "gateway": {"color": "#0b61a4", "marker": "o", "linestyle": "-"},
    "classic": {"color": "#b3541e", "marker": "s", "linestyle": "--"},
}


def plot_series(series: dict[str, Series], folder: pathlib.Path) -> None:
    folder.mkdir(exist_ok=True)
    _plot(series, "cpu_microseconds_per_call", "CPU per call, µs", folder / "cpu.svg")
    _plot(series, "peak_resident_mib", "peak resident memory, MiB", folder / "memory.svg")


def _plot(series: dict[str, Series], field: str, label: str, path: pathlib.Path) -> None:
    """Medians as a line, and the range of the rounds as a band."""
    figure = Figure(figsize=(7, 3.6), facecolor="white", layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    for name, points in series.items():
        measured = {point: rounds for point, rounds in points.items() if rounds}
        values = [[getattr(figures, field) for figures in rounds] for rounds in measured.values()]
        in_flight, style = list(measured), STYLES[name]
        axes.plot(in_flight, [statistics.median(rounds) for rounds in values], label=name, **style)
        axes.fill_between(in_flight, [min(rounds) for rounds in values],
                          [max(rounds) for rounds in values], color=style["color"], alpha=0.15,
                          linewidth=0)
    all_points = list(next(iter(series.values())))
    axes.set_xscale("log")
    axes.set_xticks(all_points, [f"{point:,}" for point in all_points])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"calls in flight, at {CALLS_PER_SECOND:,} calls a second")
    axes.set_ylabel(label)
    axes.grid(color="#d0d0d0", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="best")
    figure.savefig(path, format="svg", metadata={"Date": None})
