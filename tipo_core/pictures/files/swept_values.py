"""The values that a TIPO Sweep of the graph gave to one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..sampling.sweep import NAMES, NO_AXIS, PARAMETERS, sweep_of
from ..sampling.value_lists import Value

SWEEP_NODE = "TipoSweep"
# The parameters of the node's outputs, first to last.
OUTPUTS = ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise", "clip_skip")


def swept_value(
    value_of: Callable[[str], Any],
    slot: int,
    list_index: int | None,
    choices: Mapping[str, Sequence[str]],
) -> Value | None:
    """Return the value of an output of TIPO Sweep for the picture at `list_index`.

    `value_of` returns the value of an input of the node, or None; `choices` has the host's names of
    samplers and schedulers. A value that differs between pictures is None for the index None. A
    sweep that cannot be read has no values.
    """
    if not 0 <= slot < len(OUTPUTS):
        return None
    parameter = OUTPUTS[slot]
    columns, rows = value_of("columns"), value_of("rows")
    names = {name: choices.get(name, ()) for name in NAMES}
    # The value of a parameter that an axis changes is not used, nor are those of the others.
    base: dict[str, Value] = {one: names[one][0] if names.get(one) else 1 for one in PARAMETERS}
    try:
        sweep, _ = sweep_of(
            base,
            columns or NO_AXIS,
            value_of("column_values") or "",
            rows or NO_AXIS,
            value_of("row_values") or "",
            names,
        )
    except ValueError:
        return None
    if parameter not in (columns, rows):
        base_value: Value | None = value_of(parameter)
        return base_value
    values = sweep.values_of(parameter)
    if len(values) > 1 and list_index is None:
        return None
    # ComfyUI repeats the last value of a list.
    return values[min(list_index or 0, len(values) - 1)]
