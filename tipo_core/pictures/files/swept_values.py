"""The values that a TIPO Sweep of the graph gave to one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..sampling.axis import CHECKPOINT, NAMES, NO_AXIS, PARAMETERS, VAE
from ..sampling.sweep import NEGATIVE, TEXT, sweep_of
from ..sampling.value_lists import Value

SWEEP_NODE = "TipoSweep"
# The parameters of the node's outputs, first to last; "" for the sweep and the report.
OUTPUTS = (
    *("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise", "clip_skip", "", ""),
    *("lora_strength", TEXT, NEGATIVE),
)
# Parameters that have a value only where an axis changes them.
_OF_AXES = (CHECKPOINT, VAE)


def is_swept(value_of: Callable[[str], Any], parameter: str) -> bool:
    """Whether an axis of the sweep changes a parameter; `value_of` gives its inputs."""
    return parameter in (value_of("columns"), value_of("rows"))


def swept_value(
    value_of: Callable[[str], Any],
    parameter: str,
    list_index: int | None,
    choices: Mapping[str, Sequence[str]],
) -> Value | None:
    """Return the value of a parameter of TIPO Sweep for the picture at `list_index`.

    `value_of` returns the value of an input of the node, or None; `choices` has the host's names of
    samplers, schedulers and files. Files without choices are named as in the list of values. A
    value that differs between pictures is None for the index None. A sweep that cannot be read has
    no values.
    """
    if parameter not in OUTPUTS + _OF_AXES or not parameter:
        return None
    columns, rows = value_of("columns"), value_of("rows")
    names = {name: choices.get(name, ()) for name in NAMES}
    names |= {name: choices[name] for name in _OF_AXES if name in choices}
    # The value of a parameter that an axis changes is not used, nor are those of the others.
    base: dict[str, Value] = {one: names[one][0] if names.get(one) else 1 for one in PARAMETERS}
    texts = {name: value_of(name) for name in (TEXT, NEGATIVE)}
    if texts[TEXT] is not None:
        base |= {name: text or "" for name, text in texts.items()}
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
    if parameter in (TEXT, NEGATIVE):
        if TEXT not in base or texts[parameter] is None:
            return None
    elif not sweep.changes(parameter):
        return None if parameter in _OF_AXES else value_of(parameter)
    else:
        # A sampler may name the scheduler of some cells: the others have the node's own.
        own = value_of(parameter) if parameter in NAMES else None
        if own is not None:
            sweep = sweep.with_base({parameter: own})
    values = sweep.values_of(parameter)
    if len(set(values)) > 1 and list_index is None:
        return None
    # ComfyUI repeats the last value of a list.
    place = min(list_index or 0, len(values) - 1)
    is_own = parameter in NAMES and len(values) > 1 and parameter not in sweep.cells[place]
    return None if is_own and value_of(parameter) is None else values[place]
