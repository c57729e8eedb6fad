"""Sweeps: one or two parameters over lists of values, and the parameters of each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .value_lists import MAX_CELLS, Value, check_name, parse_values, value_text

NO_AXIS = "none"
NAMES = ("sampler_name", "scheduler")
PARAMETERS = ("cfg", "denoise", "clip_skip", "steps", *NAMES, "seed")


@dataclass(frozen=True)
class Axis:
    """A parameter and its values, first to last, each once."""

    parameter: str
    values: tuple[Value, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the label of each column or row: "cfg 4.5"."""
        return tuple(f"{self.parameter} {value_text(value)}" for value in self.values)


@dataclass(frozen=True)
class Sweep:
    """A grid of runs. `base` has the values of parameters that no axis changes."""

    base: Mapping[str, Value]
    columns: Axis | None
    rows: Axis | None

    @property
    def shape(self) -> tuple[int, int]:
        """Return the number of rows and of columns; 1 for an axis that is None."""
        return _length(self.rows), _length(self.columns)

    @property
    def cells(self) -> list[dict[str, Value]]:
        """Return the swept parameters of each cell, row by row."""
        return [row | column for row in _settings(self.rows) for column in _settings(self.columns)]

    def values_of(self, parameter: str) -> list[Value]:
        """Return a parameter's value in each cell, row by row; one value if no axis changes it."""
        if parameter in (axis.parameter for axis in (self.rows, self.columns) if axis):
            return [cell[parameter] for cell in self.cells]
        return [self.base[parameter]]


def _length(axis: Axis | None) -> int:
    return len(axis.values) if axis else 1


def _settings(axis: Axis | None) -> list[dict[str, Value]]:
    return [{axis.parameter: value} for value in axis.values] if axis else [{}]


def sweep_of(
    base: Mapping[str, Value],
    columns: str,
    column_values: str,
    rows: str,
    row_values: str,
    names: Mapping[str, Sequence[str]],
) -> tuple[Sweep, str]:
    """Return the sweep and its report from the inputs of TIPO Sweep; "none" leaves an axis out.

    `base` has a value for each of `PARAMETERS`, `names` the choices of each of `NAMES`.
    Raises ValueError that names the input and the entry.
    """
    if columns == rows != NO_AXIS:
        raise ValueError(
            f"columns and rows both change {columns}: choose another parameter for one of them, "
            f"or '{NO_AXIS}'"
        )
    axes: list[Axis | None] = []
    notes: list[str] = []
    for menu, parameter, values_input, text in (
        ("columns", columns, "column_values", column_values),
        ("rows", rows, "row_values", row_values),
    ):
        if parameter == NO_AXIS:
            axes.append(None)
            continue
        if parameter not in PARAMETERS:
            raise ValueError(
                f"{menu}: '{parameter}' cannot be swept: choose {', '.join((NO_AXIS, *PARAMETERS))}"
            )
        values = parse_values(parameter, text, values_input, names.get(parameter, ()))
        axis = Axis(parameter, tuple(dict.fromkeys(values)))
        axes.append(axis)
        again = dict.fromkeys(value for value in axis.values if values.count(value) > 1)
        notes += [
            f"{parameter} {value_text(value)} is listed more than once: drawn once"
            for value in again
        ]
    sweep = Sweep(dict(base), *axes)
    height, width = sweep.shape
    if height * width > MAX_CELLS:
        raise ValueError(
            f"{width} columns x {height} rows are {height * width} pictures, but a sweep draws "
            f"at most {MAX_CELLS}: give fewer values"
        )
    for name, choices in names.items():
        for value in sweep.values_of(name)[:1]:
            check_name(str(value), name, choices, name)
    return sweep, "\n".join([sweep_report(sweep), *notes])


def sweep_report(sweep: Sweep) -> str:
    """Report a sweep, one line each: the size, the axes, the parameters that do not change."""
    height, width = sweep.shape
    count = height * width
    lines = [
        f"{count} picture{'s' if count > 1 else ''}: {width} column{'s' if width > 1 else ''} x "
        f"{height} row{'s' if height > 1 else ''}"
    ]
    for menu, axis in (("columns", sweep.columns), ("rows", sweep.rows)):
        if axis:
            lines.append(f"{menu}: {axis.parameter} {', '.join(map(value_text, axis.values))}")
    same = [name for name in sweep.base if name not in sweep.cells[0]]
    if same:
        lines.append(
            f"the same in all: {', '.join(f'{n} {value_text(sweep.base[n])}' for n in same)}"
        )
    return "\n".join(lines)
