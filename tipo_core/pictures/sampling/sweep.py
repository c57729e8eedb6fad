"""One or two parameters over lists of values: what is typed, and the values of each cell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction

from ...error_collector import ErrorCollector

Value = int | float | str

NO_AXIS = "none"
MOST_CELLS = 400


@dataclass(frozen=True)
class Limits:
    """The numbers that a parameter takes, ends included."""

    low: int
    high: int
    is_whole: bool
    example: str


NUMBERS: Mapping[str, Limits] = {
    "cfg": Limits(0, 100, False, "4:12:2 or 4, 6, 7.5"),
    "denoise": Limits(0, 1, False, "0.2:0.8:0.2 or 0.3, 0.5"),
    "clip_skip": Limits(-24, 24, True, "1:3 or 1, 2"),
    "steps": Limits(1, 10000, True, "10:30:5 or 8, 20"),
    "seed": Limits(0, 0xFFFFFFFFFFFFFFFF, True, "1:4 or 7, 42"),
}
NAMES = ("sampler_name", "scheduler")
PARAMETERS = ("cfg", "denoise", "clip_skip", "steps", *NAMES, "seed")

# Full-width comma, ideographic comma and full-width semicolon too, as a Chinese keyboard has them.
_BETWEEN_ENTRIES = re.compile("[,;\n\uff0c\u3001\uff1b]")
_BETWEEN_NUMBERS = re.compile("[:\uff1a]")
# No exponents: a number of a thousand digits must not be typed in four characters.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_LONGEST_NUMBER = 40


@dataclass(frozen=True)
class Axis:
    """A parameter and its values, first to last, none of them twice."""

    parameter: str
    values: tuple[Value, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return what is written beside each column or row: "cfg 4.5"."""
        return tuple(f"{self.parameter} {value_text(value)}" for value in self.values)


@dataclass(frozen=True)
class Sweep:
    """A grid of runs: `base` gives the parameters that neither the columns nor the rows change."""

    base: Mapping[str, Value]
    columns: Axis | None
    rows: Axis | None

    @property
    def shape(self) -> tuple[int, int]:
        """Return the rows and the columns of the grid; an axis that is not there counts 1."""
        return _length(self.rows), _length(self.columns)

    @property
    def cells(self) -> list[dict[str, Value]]:
        """Return what changes in each cell, row by row."""
        return [row | column for row in _settings(self.rows) for column in _settings(self.columns)]

    def values_of(self, parameter: str) -> list[Value]:
        """Return the parameter's value in each cell, row by row; one value if none changes it."""
        if parameter in (axis.parameter for axis in (self.rows, self.columns) if axis):
            return [cell[parameter] for cell in self.cells]
        return [self.base[parameter]]


def _length(axis: Axis | None) -> int:
    return len(axis.values) if axis else 1


def _settings(axis: Axis | None) -> list[dict[str, Value]]:
    return [{axis.parameter: value} for value in axis.values] if axis else [{}]


def value_text(value: Value) -> str:
    """Return a value as a person writes it: 4 for 4.0."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def sweep_of(
    base: Mapping[str, Value],
    columns: str,
    column_values: str,
    rows: str,
    row_values: str,
    names: Mapping[str, Sequence[str]],
) -> tuple[Sweep, str]:
    """Return the sweep and its report from what was typed; "none" leaves an axis out.

    `base` has a value for each of `PARAMETERS`, `names` the choices of each of `NAMES`.
    Raises ValueError, naming the input and the entry, for what cannot be swept.
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
    if height * width > MOST_CELLS:
        raise ValueError(
            f"{width} columns x {height} rows are {height * width} pictures, a sweep draws at "
            f"most {MOST_CELLS}: give fewer values"
        )
    for name, choices in names.items():
        for value in sweep.values_of(name)[:1]:
            _check_name(str(value), name, choices, name)
    return sweep, "\n".join([sweep_report(sweep), *notes])


def sweep_report(sweep: Sweep) -> str:
    """Return what a sweep draws, a line each: the size, each axis, and what stays the same."""
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


def parse_values(
    parameter: str, text: str, input_name: str, choices: Sequence[str] = ()
) -> list[Value]:
    """Return the values of a list such as "1, 4:8:2", in its order, repeated ones included.

    Entries are separated by commas, semicolons or line breaks. A number may be a range
    `start:end:step`, which ends at `end` where the steps meet it, or `start:end` in steps of 1;
    it falls where `end` is less. The values are exact: 0.2:0.8:0.2 holds 0.6, the float nearest to
    it. Names must be among `choices`. Ranges are counted before they are built.
    Raises ValueError for anything else, with each entry's place and the allowed values.
    """
    entries = [entry.strip() for entry in _BETWEEN_ENTRIES.split(text)]
    entries = [entry for entry in entries if entry]
    if not entries:
        example = NUMBERS[parameter].example if parameter in NUMBERS else ", ".join(choices[:2])
        raise ValueError(f"{input_name} is empty: list values of {parameter}, such as {example}")
    errors = ErrorCollector()
    if parameter not in NUMBERS:
        _check_count(len(entries), input_name)
        for place, entry in enumerate(entries, 1):
            with errors.collect():
                _check_name(entry, parameter, choices, f"{input_name}, entry {place}")
        errors.raise_all()
        return list(entries)
    limits = NUMBERS[parameter]
    ranges: list[_Range] = []
    for place, entry in enumerate(entries, 1):
        with errors.collect():
            where = f"{input_name}, entry {place}, '{_shown(entry)}'"
            ranges.append(_number_range(entry, parameter, limits, where))
    errors.raise_all()
    _check_count(sum(one.count for one in ranges), input_name)
    kind = int if limits.is_whole else float
    return [kind(value) for one in ranges for value in one.values()]


@dataclass(frozen=True)
class _Range:
    """`count` numbers from `start` on; fractions, so that steps of 0.1 stay exact."""

    start: Fraction
    step: Fraction
    count: int

    def values(self) -> list[Fraction]:
        return [self.start + i * self.step for i in range(self.count)]


def _number_range(entry: str, parameter: str, limits: Limits, where: str) -> _Range:
    """Return one entry; `where` names it in errors."""
    numbers = [_number(part.strip(), where, limits) for part in _BETWEEN_NUMBERS.split(entry)]
    if len(numbers) > 3:
        raise ValueError(f"{where}: a range is start:end:step, such as {limits.example}")
    for number in numbers[:2]:
        if not limits.low <= number <= limits.high:
            raise ValueError(
                f"{where}: {parameter} must be from {limits.low} to {limits.high}; this entry "
                f"has {_shown(_plain(number))}"
            )
    if limits.is_whole and any(number.denominator > 1 for number in numbers):
        raise ValueError(f"{where}: {parameter} takes whole numbers, such as {limits.example}")
    if len(numbers) == 1:
        return _Range(numbers[0], Fraction(1), 1)
    start, end = numbers[:2]
    step = numbers[2] if len(numbers) == 3 else Fraction(1 if end >= start else -1)
    if step == 0:
        raise ValueError(
            f"{where}: the step is 0, which never ends: give a step, such as {limits.example}"
        )
    if (end - start) * step < 0:
        way = "up" if step > 0 else "down"
        here = f"{_plain(start)}:{_plain(end)}:{_plain(-step)}"
        there = f"{_plain(end)}:{_plain(start)}:{_plain(step)}"
        raise ValueError(
            f"{where}: the step counts {way}, away from the end: write {here} or {there}"
        )
    if len(numbers) == 2 and 0 < abs(end - start) < 1:
        raise ValueError(
            f"{where}: the range is shorter than a step of 1: give a step, such as {limits.example}"
        )
    return _Range(start, step, int((end - start) / step) + 1)


def _number(text: str, where: str, limits: Limits) -> Fraction:
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        raise ValueError(
            f"{where}: '{_shown(text)}' is no number: write values such as {limits.example}"
        )
    return Fraction(text if text[-1] != "." else text[:-1])


def _check_name(name: str, parameter: str, choices: Sequence[str], where: str) -> None:
    if name in choices:
        return
    close = get_close_matches(name.lower()[:100], choices, n=1)
    remedy = f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(choices)}"
    raise ValueError(f"{where}: there is no {parameter} '{_shown(name)}': {remedy}")


def _check_count(count: int, input_name: str) -> None:
    if count > MOST_CELLS:
        raise ValueError(
            f"{input_name} holds {count} values, a sweep draws at most {MOST_CELLS} pictures: give "
            "fewer values or a larger step"
        )


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_NUMBER else f"{text[: _LONGEST_NUMBER - 3]}..."


def _plain(number: Fraction) -> str:
    """Return a number without an exponent, as it was typed."""
    return str(number.numerator) if number.denominator == 1 else value_text(float(number))
