"""The values that a TIPO Sweep of the graph gave to one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..sampling.axis import NAMES, NO_AXIS, PARAMETERS
from ..sampling.sweep import NEGATIVE, TEXT, Sweep, sweep_of
from ..sampling.value_lists import Value

SWEEP_NODE = "TipoSweep"
# The parameters of the node's outputs, by the number of the output.
OUTPUTS = {
    **dict(enumerate(("seed", "steps", "cfg", *NAMES, "denoise", "clip_skip"))),
    9: "lora_strength",
    10: TEXT,
    11: NEGATIVE,
}

ValueOf = Callable[[str], Any]


def is_swept(value_of: ValueOf, parameter: str) -> bool:
    """Whether an axis of the sweep changes a parameter; `value_of` gives its inputs."""
    return parameter in (value_of("columns"), value_of("rows"))


def swept_value(
    value_of: ValueOf,
    parameter: str,
    list_index: int | None,
    choices: Mapping[str, Sequence[str]],
) -> Value | None:
    """Return the value of a parameter of TIPO Sweep for the picture at `list_index`.

    `value_of` returns the value of an input of the node, or None; `choices` has the host's names of
    samplers and schedulers, and of checkpoints and VAEs where the sweep lists them. A value that
    differs between pictures is None for the index None. A sweep that cannot be read has no values.
    """
    texts = {name: value_of(name) for name in (TEXT, NEGATIVE)}
    if parameter in texts and not isinstance(texts[parameter], str):
        return None
    try:
        sweep = _sweep(value_of, texts, choices)
        values = sweep.values_of(parameter)
    except (ValueError, KeyError, TypeError):
        return None
    differ = len(values) > 1
    if not values or (differ and list_index is None):
        return None
    # ComfyUI repeats the last value of a list.
    place = min(list_index or 0, len(values) - 1)
    is_text = parameter in texts
    if is_text or parameter in sweep.cells[place if differ else 0]:
        return values[place]
    base: Value | None = value_of(parameter)
    return base


def _sweep(
    value_of: ValueOf, texts: Mapping[str, Any], choices: Mapping[str, Sequence[str]]
) -> Sweep:
    names = {name: choices.get(name, ()) for name in {*NAMES, *choices}}
    # A value that is not known is not read from the sweep.
    base: dict[str, Value] = {one: 1 for one in PARAMETERS if one not in choices}
    base |= {name: names[name][0] for name in NAMES if names[name]}
    if all(isinstance(text, str) for text in texts.values()):
        base |= texts
    return sweep_of(
        base,
        value_of("columns") or NO_AXIS,
        value_of("column_values") or "",
        value_of("rows") or NO_AXIS,
        value_of("row_values") or "",
        names,
    )[0]
