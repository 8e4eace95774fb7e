"""Geometry of the charts: numbers in, paths out. Pure; colours and sizes are the style sheet's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

PLOT_WIDTH, PLOT_HEIGHT = 720.0, 176.0
SPARK_WIDTH, SPARK_HEIGHT = 96.0, 28.0
BAND_HEIGHT = 56.0


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of bar: its name, its values in order, and the path that draws them."""

    name: str
    values: tuple[int, ...]
    path: str = ""

    @property
    def total(self) -> int:
        """The sum for the legend."""
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Plot:
    """Stacked bars with a line over them; `ticks` label the axis from the top down."""

    bars: tuple[Series, ...]
    line: Series
    ticks: tuple[int, ...]

    @property
    def grid(self) -> str:
        """Horizontal lines at the ticks."""
        steps = len(self.ticks) - 1
        heights = [min(PLOT_HEIGHT * place / steps, PLOT_HEIGHT - 0.5) or 0.5 for place in range(steps + 1)]
        return "".join(f"M0 {height:g}H{PLOT_WIDTH:g}" for height in heights)


def plot(stacked: Sequence[Series], line: Series) -> Plot:
    """Draw `stacked` on each other and `line` over them, on one scale."""
    slots = len(line.values)
    highest = max(
        [sum(series.values[slot] for series in stacked) for slot in range(slots)] + list(line.values),
        default=0,
    )
    top = nice_top(highest)
    below = [0] * slots
    bars = []
    for series in stacked:
        bars.append(Series(series.name, series.values, bars_path(series.values, below, top)))
        below = [under + value for under, value in zip(below, series.values, strict=True)]
    ticks = tuple(round(top * share / 4) for share in (4, 3, 2, 1, 0))
    return Plot(tuple(bars), Series(line.name, line.values, line_path(line.values, top)), ticks)


def nice_top(highest: int) -> int:
    """The end of the axis: the next round number above `highest` whose quarters are whole."""
    if highest <= 4:
        return 4
    size = 10 ** math.floor(math.log10(highest))
    return int(
        next(
            step for step in (size * share / 5 for share in range(1, 61)) if step >= highest and step % 4 == 0
        )
    )


def bars_path(values: Sequence[int], below: Sequence[int], top: int) -> str:
    """One rectangle per value that is not nothing, each on what is below it."""
    width = PLOT_WIDTH / max(len(values), 1)
    pieces = []
    for slot, (value, under) in enumerate(zip(values, below, strict=True)):
        if not value:
            continue
        foot, height = PLOT_HEIGHT * (1 - under / top), PLOT_HEIGHT * value / top
        left, wide = width * (slot + 0.2), width * 0.6
        pieces.append(f"M{left:.1f} {foot:.1f}v-{height:.1f}h{wide:.1f}v{height:.1f}z")
    return "".join(pieces)


def line_path(values: Sequence[int], top: int) -> str:
    """A line through the middle of every slot."""
    width = PLOT_WIDTH / max(len(values), 1)
    points = [
        f"{width * (slot + 0.5):.1f} {PLOT_HEIGHT * (1 - value / top):.1f}"
        for slot, value in enumerate(values)
    ]
    if len(points) == 1:
        return f"M0 {points[0].split()[1]}H{PLOT_WIDTH:g}"
    return f"M{'L'.join(points)}" if points else ""


def spark_path(values: Sequence[int], highest: int | None = None) -> str:
    """Small bars side by side; `highest` gives two sparks one scale."""
    top = highest or max(values, default=0) or 1
    width = SPARK_WIDTH / max(len(values), 1)
    pieces = []
    for slot, value in enumerate(values):
        if value <= 0:
            continue
        height = max((SPARK_HEIGHT - 4) * min(value / top, 1), 1)
        wide = width * 0.7
        pieces.append(f"M{width * slot:.1f} {SPARK_HEIGHT - 2:g}v-{height:.1f}h{wide:.1f}v{height:.1f}z")
    return "".join(pieces)


def band_path(before: float, now: float) -> str:
    """A band from the height `before` to the height `now`, both shares of the whole, in a box of 100 by 56."""
    top, end = BAND_HEIGHT * (1 - before) / 2, BAND_HEIGHT * (1 - now) / 2
    low, low_end = BAND_HEIGHT - top, BAND_HEIGHT - end
    return (
        f"M0 {top:.1f}C30 {top:.1f} 30 {end:.1f} 60 {end:.1f}H100V{low_end:.1f}H60"
        f"C30 {low_end:.1f} 30 {low:.1f} 0 {low:.1f}z"
    )


def band_floor(shares: Sequence[float]) -> float:
    """Where the scale of the band begins, so that small losses can be seen: 0 unless all shares are high."""
    lowest = min(shares, default=0.0)
    return max(0.0, math.floor((lowest - 0.1) * 20) / 20) if lowest > 0.6 else 0.0
