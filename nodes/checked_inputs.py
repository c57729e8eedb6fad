"""The types of a node's values, checked before it runs.

ComfyUI passes on whatever a graph or a link of the type `*` holds: null for a name, a number for a
text, a text for a model. In each node this would be an error of Python's that names no input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from comfy_api.latest import io

from ..tipo_core.surrogates import refuse_surrogates
from .inputs import (
    BansType,
    ClassImagesType,
    DatasetType,
    ExpansionType,
    OptionsType,
    SdxlSizeType,
    SettingsType,
    SweepType,
    TipoModel,
)

_MAX_SHOWN = 60  # characters of a value in an error
# The class of each link type's values, by its name because the classes are imported when a node
# runs; and the node that makes them.
_LINKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        TipoModel.io_type: ("HostedModel", "Load TIPO Model"),
        OptionsType.io_type: ("SamplingOptions", "TIPO Sampling Options"),
        BansType.io_type: ("str", "TIPO Ban Rules"),
        ExpansionType.io_type: ("Expansion", "TIPO Expand"),
        SdxlSizeType.io_type: ("SdxlSize", "SDXL Size"),
        SweepType.io_type: ("Sweep", "TIPO Sweep"),
        SettingsType.io_type: ("GenerationSettings", "Sampler (CFG / Denoise)"),
        DatasetType.io_type: ("PictureSet", "DreamBooth Dataset"),
        ClassImagesType.io_type: ("PictureSet", "Class Images"),
    }
)
_NUMBERS = ("INT", "FLOAT")


@dataclass(frozen=True)
class _Check:
    """The type of an input; with `is_list` the node gets the values of all runs at once."""

    io_type: str
    is_optional: bool
    is_list: bool
    is_lazy: bool

    def problem(self, value: Any) -> str:
        """Return why `value` does not fit and the remedy, '' if it fits."""
        if value is None and self.is_optional:
            return ""
        if self.io_type in ("STRING", "COMBO"):
            if isinstance(value, str):
                return ""
            kind = "text" if self.io_type == "STRING" else "a name"
            remedy = "type it" if self.io_type == "STRING" else "choose one from the menu"
            return f"not {kind}: {remedy}, or connect an output that gives text"
        if self.io_type in _NUMBERS:
            is_number = hasattr(value, "__index__") or hasattr(value, "__float__")
            return "" if is_number else "not a number: type one, or connect an output of numbers"
        name, node = _LINKS.get(self.io_type, ("", ""))
        if not name or type(value).__name__ == name:
            return ""
        return f"not an output of {node}: connect that node"


def with_checked_inputs(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """Return a node like `node` whose `execute` refuses values of a wrong type and lone surrogates.

    The error is a ValueError that names the input, the value and the remedy. An optional input
    that is None gets its default.
    """
    declared = node.define_schema()
    checks = {
        one.id: _Check(
            one.get_io_type(), bool(one.optional), bool(declared.is_input_list), bool(one.lazy)
        )
        for one in declared.inputs
        if isinstance(one, io.Input)
    }
    execute: Callable[..., io.NodeOutput] = vars(node)["execute"].__func__

    def checked(cls: type[io.ComfyNode], /, **values: Any) -> io.NodeOutput:
        given = {}
        # ComfyUI gives None for a lazy input that the node does not ask for.
        unused = [name for name, check in checks.items() if check.is_lazy and name in values]
        if unused:
            asked = cls.check_lazy_status(**values)
            unused = [name for name in unused if values[name] is None and name not in asked]
        for name, value in values.items():
            check = checks.get(name)
            if check and name not in unused:
                check_value(name, value, check)
            if value is not None or check is None or not check.is_optional:
                given[name] = value
        return execute(cls, **given)

    body = {"execute": classmethod(checked), "__module__": node.__module__}
    return type(node.__name__, (node,), {**body, "__doc__": node.__doc__})


def check_value(name: str, value: Any, check: _Check) -> None:
    """Raise ValueError if the value of the input `name` does not fit or has a lone surrogate."""
    for one in value if check.is_list and isinstance(value, list) else [value]:
        problem = check.problem(one)
        if problem:
            raise ValueError(f"{name} is {shown(one)}, {problem}.")
        # Names of files may have surrogates: Python reads bytes that are not UTF-8 as such.
        if check.io_type == "STRING" and isinstance(one, str):
            refuse_surrogates(name, one)


def shown(value: Any) -> str:
    """Return a value for an error: a constant as it is, anything else with its type, cut."""
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    text = repr(value) if isinstance(value, (str, list, dict, tuple)) else ""
    kind = f"a value of the type {type(value).__name__}"
    if not text:
        return kind
    return f"{kind} ({text if len(text) <= _MAX_SHOWN else f'{text[:_MAX_SHOWN]}...'})"
