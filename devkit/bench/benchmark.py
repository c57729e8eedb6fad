"""A benchmark: rows that are measured together, each with its unit, its bar and its figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from devkit.messages import step
from devkit.setup.host import Host
from devkit.setup.layout import Layout


@dataclass(frozen=True)
class Bar:
    """A limit of a row, in the row's unit or, with `of_peer`, as a multiple of its peer."""

    limit: float
    is_least: bool
    of_peer: bool

    def __str__(self) -> str:
        return (
            f"{'>=' if self.is_least else '<='} {self.limit:g}{' x peer' if self.of_peer else ''}"
        )

    def is_met(self, judged: float) -> bool:
        """Return whether a value, or a ratio, meets the bar."""
        return judged >= self.limit if self.is_least else judged <= self.limit


def at_least(limit: float) -> Bar:
    """Return a lower bar in the row's unit."""
    return Bar(limit, is_least=True, of_peer=False)


def at_most(limit: float) -> Bar:
    """Return an upper bar in the row's unit."""
    return Bar(limit, is_least=False, of_peer=False)


def at_least_times(limit: float) -> Bar:
    """Return a lower bar for value / peer."""
    return Bar(limit, is_least=True, of_peer=True)


def at_most_times(limit: float) -> Bar:
    """Return an upper bar for value / peer."""
    return Bar(limit, is_least=False, of_peer=True)


@dataclass(frozen=True)
class Aim:
    """The name, unit and bar of a row, known before the measurement."""

    name: str
    unit: str
    bar: Bar | None = None


@dataclass(frozen=True)
class Figure:
    """A measured value, and the peer's value for the same work."""

    value: float
    peer: float | None = None


class Unmeasured(Exception):
    """A row cannot be measured here; the text names the cause and the remedy."""


@dataclass(frozen=True)
class Row:
    """One line of the result, with its figure or the reason for a missing figure."""

    aim: Aim
    figure: Figure | None = None
    reason: str = ""

    @property
    def ratio(self) -> float | None:
        """Return value / peer; None if one of them is missing."""
        if self.figure is None or not self.figure.peer:
            return None
        return self.figure.value / self.figure.peer

    @property
    def met(self) -> bool | None:
        """Return whether the bar is met; None without a bar or a figure."""
        bar = self.aim.bar
        if bar is None or self.figure is None:
            return None
        judged = self.ratio if bar.of_peer else self.figure.value
        return None if judged is None else bar.is_met(judged)

    def to_json(self) -> dict[str, Any]:
        """Return the row's object of `--json`."""
        return {
            "name": self.aim.name,
            "value": self.figure.value if self.figure else None,
            "unit": self.aim.unit,
            "peer": self.figure.peer if self.figure else None,
            "ratio": self.ratio,
            "bar": str(self.aim.bar) if self.aim.bar else None,
            "met": self.met,
        }


@dataclass(frozen=True)
class Setting:
    """Where a benchmark runs: the checkout and the ComfyUI."""

    layout: Layout
    host: Host


# Takes the names of the wanted rows; yields the figure of each, or the reason for its lack.
Measure = Callable[[Setting, Sequence[str]], Iterable[tuple[str, Figure | Unmeasured]]]


@dataclass(frozen=True)
class Benchmark:
    """Rows that are measured together. `title` is shown during the measurement."""

    title: str
    aims: Sequence[Aim]
    measure: Measure

    def rows(self, setting: Setting, prefixes: Sequence[str]) -> list[Row]:
        """Return the wanted rows, measured or not."""
        aims = self.wanted(prefixes)
        if not aims:
            return []
        found: dict[str, Figure | Unmeasured] = {}
        missing = Unmeasured("not measured")
        with step(self.title):
            try:
                found.update(self.measure(setting, [aim.name for aim in aims]))
            except Unmeasured as reason:
                missing = reason
        return [_row(aim, found.get(aim.name, missing)) for aim in aims]

    def wanted(self, prefixes: Sequence[str]) -> list[Aim]:
        """Return the rows whose names begin with a prefix; without prefixes, all rows."""
        return [aim for aim in self.aims if aim.name.startswith(tuple(prefixes) or "")]


def _row(aim: Aim, found: Figure | Unmeasured) -> Row:
    return Row(aim, found) if isinstance(found, Figure) else Row(aim, reason=str(found))
