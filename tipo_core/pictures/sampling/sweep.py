"""Sweeps: one or two parameters over lists of values, and the parameters of each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...report_lines import warnings_of
from .axis import (
    CHECKPOINT,
    NAMES,
    NO_AXIS,
    PARAMETERS,
    PROMPT_SR,
    Axis,
    axis_of,
)
from .search_replace import Prompts, shown_text
from .value_lists import MAX_CELLS, Value, check_name, value_text

TEXT, NEGATIVE = "text", "negative_text"


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
        return [
            {**row, **column} for row in _settings(self.rows) for column in _settings(self.columns)
        ]

    @property
    def cell_names(self) -> list[str]:
        """Return the labels of each cell's row and column, row by row: "cfg 4, denoise 0.5"."""
        rows, columns = (axis.labels if axis else ("",) for axis in (self.rows, self.columns))
        names = [[label for label in (row, column) if label] for row in rows for column in columns]
        return [", ".join(labels) or "as set" for labels in names]

    def changes(self, parameter: str) -> bool:
        """Return whether an axis sets a parameter, in each cell or in some."""
        return any(parameter in axis.parameters for axis in (self.rows, self.columns) if axis)

    def with_base(self, values: Mapping[str, Value]) -> Sweep:
        """Return the sweep with other values of parameters that no axis changes."""
        return Sweep({**self.base, **values}, self.columns, self.rows)

    def values_of(self, parameter: str) -> list[Value]:
        """Return a parameter's value in each cell, row by row; one value if no axis changes it.

        Raises ValueError for the texts if the text to be replaced is in neither of them.
        """
        if parameter in (TEXT, NEGATIVE):
            return [one.text if parameter == TEXT else one.negative for one in self._prompts()]
        if self.changes(parameter):
            base = self.base.get(parameter, "")
            return [cell.get(parameter, base) for cell in self.cells]
        return [self.base[parameter]] if parameter in self.base else []

    def _prompts(self) -> list[Prompts]:
        """The texts of each cell, row by row; one if no axis changes them.

        As in A1111, the columns' text is replaced first.
        """
        base = Prompts(str(self.base.get(TEXT, "")), str(self.base.get(NEGATIVE, "")))
        replaced: list[list[tuple[str, str, str] | None]] = []
        for axis, values_input in ((self.columns, "column_values"), (self.rows, "row_values")):
            texts = axis.replacements if axis else ()
            steps: list[tuple[str, str, str] | None]
            steps = [(values_input, texts[0], text) for text in texts]
            replaced.append(steps or [None])
        columns, rows = replaced
        if columns == rows == [None]:
            return [base]
        prompts = []
        for row in rows * (_length(self.rows) // len(rows)):
            for column in columns * (_length(self.columns) // len(columns)):
                one = base
                for step in (column, row):
                    if step:
                        one = _replaced(one, *step)
                prompts.append(one)
        return prompts


def _replaced(prompts: Prompts, values_input: str, search: str, replacement: str) -> Prompts:
    try:
        return prompts.replaced(search, replacement)
    except ValueError as error:
        raise ValueError(f"{values_input}: {error}") from None


def _length(axis: Axis | None) -> int:
    return len(axis.settings) if axis else 1


def _settings(axis: Axis | None) -> Sequence[Mapping[str, Value]]:
    return axis.settings if axis else ({},)


def sweep_of(
    base: Mapping[str, Value],
    columns: str,
    column_values: str,
    rows: str,
    row_values: str,
    names: Mapping[str, Sequence[str]],
) -> tuple[Sweep, str]:
    """Return the sweep and its report from the inputs of TIPO Sweep; "none" leaves an axis out.

    `base` has a value for each of `PARAMETERS` but Prompt S/R, checkpoint and VAE, and the texts
    `TEXT` and `NEGATIVE` if they are known. `names` has the samplers and schedulers, and the
    checkpoints and VAEs where an axis lists them.
    Raises ValueError that names the input and the entry.
    """
    if columns == rows != NO_AXIS and columns != PROMPT_SR:
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
        axis, repeated = axis_of(parameter, text, values_input, names)
        axes.append(axis)
        notes += [f"{label} is listed more than once: drawn once" for label in repeated]
    sweep = Sweep(dict(base), *axes)
    _check(sweep, names)
    notes += _empty_value_notes(sweep)
    if columns == CHECKPOINT and rows != NO_AXIS:
        notes.append(
            f"the checkpoint changes with each picture: set rows to {CHECKPOINT}, and it changes "
            "once per row"
        )
    return sweep, "\n".join([sweep_report(sweep), *warnings_of(notes)])


def _empty_value_notes(sweep: Sweep) -> list[str]:
    """A note per axis whose texts have an empty one, which a comma at the end of a list makes."""
    notes = []
    for axis, values_input, other in (
        (sweep.columns, "column_values", sweep.rows),
        (sweep.rows, "row_values", sweep.columns),
    ):
        texts = axis.replacements if axis else ()
        if "" in texts:
            count = _length(other)
            drawn = "1 picture is" if count == 1 else f"{count} pictures are"
            notes.append(
                f"{values_input} has an empty value: {drawn} drawn without "
                f"'{shown_text(texts[0])}'; a comma at the end makes one"
            )
    return notes


def _check(sweep: Sweep, names: Mapping[str, Sequence[str]]) -> None:
    height, width = sweep.shape
    if height * width > MAX_CELLS:
        raise ValueError(
            f"{width} columns x {height} rows are {height * width} pictures, but a sweep draws "
            f"at most {MAX_CELLS}: give fewer values"
        )
    for menu, axis, other in (
        ("columns", sweep.columns, sweep.rows),
        ("rows", sweep.rows, sweep.columns),
    ):
        both = set(axis.parameters) & set(other.parameters) if axis and other else set()
        if both - {PROMPT_SR} and axis and axis.parameter == "sampler_name":
            raise ValueError(
                f"{menu} name a scheduler with a sampler, and the other axis changes the scheduler "
                "too: leave the scheduler out of the samplers' names"
            )
    for name in NAMES:
        for value in sweep.values_of(name)[:1]:
            check_name(str(value), name, names[name], name)
    if TEXT in sweep.base:
        sweep.values_of(TEXT)


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
            shown = [f'"{one}"' if "," in one else one for one in axis.shown_values]
            lines.append(f"{menu}: {axis.parameter} {', '.join(shown)}")
    swept = {name for cell in sweep.cells for name in cell}
    same = [name for name in sweep.base if name in PARAMETERS and name not in swept]
    if same:
        lines.append(
            f"the same in all: {', '.join(f'{n} {value_text(sweep.base[n])}' for n in same)}"
        )
    return "\n".join(lines)
