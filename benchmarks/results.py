"""Figures: medians with the smallest and largest, ratios within a round, goals, and how they are written down. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal


@dataclass(frozen=True, slots=True)
class Spread:
    """A median between the smallest and the largest of several rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        if self.low == self.high:
            return short(self.median)
        return f"{short(self.median)} ({short(self.low)}–{short(self.high)})"


@dataclass(frozen=True, slots=True)
class Goal:
    """What the figure, or its ratio where it has one, should be at least or at most."""

    kind: Literal["≥", "≤"]
    bound: float

    def is_met_by(self, value: float) -> bool:
        """The bound itself is met."""
        return value >= self.bound if self.kind == "≥" else value <= self.bound

    def __str__(self) -> str:
        return f"{self.kind} {short(self.bound)}"


@dataclass(frozen=True, slots=True)
class Result:
    """One measured figure; `ratio` is to `ratio_to`, formed within each round."""

    name: str
    value: Spread
    unit: str
    ratio_to: str = ""
    ratio: Spread | None = None
    goal: Goal | None = None
    note: str = field(default="", compare=False)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met by the median; None without a goal."""
        return self.goal.is_met_by((self.ratio or self.value).median) if self.goal else None

    def as_json(self) -> str:
        """The line that `make bench` prints."""
        line = {
            "name": self.name, "value": self.value.median, "unit": self.unit,
            "smallest": self.value.low, "largest": self.value.high, "ratio_to": self.ratio_to or None,
            "ratio": self.ratio.median if self.ratio else None,
            "ratio_smallest": self.ratio.low if self.ratio else None,
            "ratio_largest": self.ratio.high if self.ratio else None,
            "goal": str(self.goal) if self.goal else None, "met": self.is_met, "note": self.note or None,
        }  # fmt: skip
        return json.dumps(line, ensure_ascii=False)

    def as_row(self) -> str:
        """A row of the Markdown table."""
        met = {True: "yes", False: "**no**", None: ""}[self.is_met]
        ratio = f"{self.ratio} × {self.ratio_to}" if self.ratio else ""
        cells = (self.name, f"{self.value} {self.unit}", ratio, str(self.goal or ""), met, self.note)
        return f"| {' | '.join(cells)} |"


HEAD = "| measure | value: median (smallest–largest) | ratio | goal | met | note |\n|---|---|---|---|---|---|"


def table(results: Sequence[Result]) -> str:
    """All of them as Markdown."""
    return "\n".join([HEAD, *(result.as_row() for result in results)])


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours to theirs, round by round: what disturbed the machine in a round disturbed both."""
    return Spread.of([mine / other for mine, other in zip(ours, theirs, strict=True)])


def short(value: float) -> str:
    """Three digits that mean something."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1e}"
