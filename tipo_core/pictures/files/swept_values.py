"""The values that a TIPO Sweep of the graph gave to one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..sampling.axis import CHECKPOINT, NAMES, NO_AXIS, PARAMETERS, PROMPT_SR, VAE
from ..sampling.sweep import NEGATIVE, TEXT, Sweep, sweep_of
from ..sampling.value_lists import Value

SWEEP_NODE, MODELS_NODE, GRID_NODE = "TipoSweep", "TipoSweepModels", "TipoGrid"
# The parameters of the node's outputs, first to last; "" for the sweep and the report.
OUTPUTS = (
    *("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise", "clip_skip", "", ""),
    *("lora_strength", TEXT, NEGATIVE),
)
# Parameters that have a value only where an axis changes them.
_OF_AXES = (CHECKPOINT, VAE)
_SWEEP_OUTPUT = 7
# A parameter and the short texts of its values; None for a grid of one column or row.
ShownAxis = tuple[str, tuple[str, ...]] | None


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
    texts = {name: value_of(name) for name in (TEXT, NEGATIVE)}
    sweep = _read_sweep(value_of, choices, texts)
    if sweep is None:
        return None
    if parameter in (TEXT, NEGATIVE):
        if TEXT not in sweep.base or texts[parameter] is None:
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


def _read_sweep(
    value_of: Callable[[str], Any],
    choices: Mapping[str, Sequence[str]],
    texts: Mapping[str, Any],
) -> Sweep | None:
    """The sweep of a node's inputs, None for one that cannot be read."""
    names = {name: choices.get(name, ()) for name in NAMES}
    names |= {name: choices[name] for name in _OF_AXES if name in choices}
    # The value of a parameter that an axis changes is not used, nor are those of the others.
    base: dict[str, Value] = {one: names[one][0] if names.get(one) else 1 for one in PARAMETERS}
    if texts.get(TEXT) is not None:
        base |= {name: text or "" for name, text in texts.items()}
    try:
        sweep, _ = sweep_of(
            base,
            value_of("columns") or NO_AXIS,
            value_of("column_values") or "",
            value_of("rows") or NO_AXIS,
            value_of("row_values") or "",
            names,
        )
    except ValueError:
        return None
    return sweep


def swept_axes(
    value_of: Callable[[str], Any], choices: Mapping[str, Sequence[str]]
) -> tuple[ShownAxis, ShownAxis] | None:
    """Return the columns and the rows of TIPO Sweep; None for a sweep that cannot be read.

    The arguments are those of `swept_value`.
    """
    linked = [name for name in ("columns", "rows") if value_of(name) is None]
    sweep = None if linked else _read_sweep(value_of, choices, {})
    if sweep is None:
        return None
    columns, rows = (
        (axis.parameter, axis.replacements or axis.shown_values) if axis else None
        for axis in (sweep.columns, sweep.rows)
    )
    return columns, rows


def unconnected_parameters(
    sweep: Sweep, is_linked: Callable[[str, int, str], bool], node_id: str
) -> list[str]:
    """Return the parameters that a sweep changes and of which no output is connected.

    `is_linked` says whether an output of a node, by its number, is connected to a node of a type,
    or of any type for "". `node_id` is the sweep's node. The pictures do not differ in these
    parameters.
    """
    found = []
    for axis in (sweep.columns, sweep.rows):
        for parameter in axis.parameters if axis else ():
            if parameter in _OF_AXES:
                is_used = is_linked(node_id, _SWEEP_OUTPUT, MODELS_NODE)
            else:
                outputs = (TEXT, NEGATIVE) if parameter == PROMPT_SR else (parameter,)
                is_used = any(is_linked(node_id, OUTPUTS.index(one), "") for one in outputs)
            if not is_used:
                found.append(parameter)
    return list(dict.fromkeys(found))
