"""The nodes of the other packs: inputs, orders of their saved widgets, outputs.

Sources: z-tipo-extension d6bbb86 and its history since September 2024 (`nodes/tipo.py`);
ComfyUI_DanTagGen as of July 2024 (`dan_tag_gen.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

Z_TIPO = "z-tipo-extension"
DANTAGGEN = "ComfyUI_DanTagGen"
LENGTHS = ("very_short", "short", "long", "very_long")
# The page's own widget after a seed.
CONTROLS = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
CONTROL = "control_after_generate"
Z_TIPO_TEMPLATE = (
    "<|special|>, \n<|characters|>, <|copyrights|>, \n<|artist|>, \n\n<|general|>,\n\n"
    "<|extended|>.\n\n<|quality|>, <|meta|>, <|rating|>"
)


class UnreadableNodeError(ValueError):
    """A node whose saved values fit no known version of its pack."""


@dataclass(frozen=True)
class OldInput:
    """An input: its type, or the choices of a menu, and its default."""

    kind: type | tuple[str, ...]
    default: Any

    def fits(self, value: object) -> bool:
        """Whether a saved value has the type of the input."""
        if isinstance(self.kind, tuple):
            return value in self.kind
        if self.kind in (int, float):
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                return False
            is_finite = isinstance(value, int) or math.isfinite(value)
            return is_finite and (self.kind is float or value == int(value))
        return isinstance(value, self.kind)


@dataclass(frozen=True)
class OldNode:
    """A node of another pack.

    `layouts` are the orders of the saved widgets, the newest first. `marks` are inputs that tell
    the node from one of another pack with the same name.
    """

    class_type: str
    pack: str
    inputs: Mapping[str, OldInput]
    layouts: tuple[tuple[str, ...], ...]
    outputs: tuple[str, ...]
    marks: tuple[str, ...]
    sockets: tuple[str, ...] = ()


_TEXT = OldInput(str, "")
_TIPO_INPUTS = MappingProxyType(
    {
        "tags": _TEXT,
        "nl_prompt": _TEXT,
        "ban_tags": _TEXT,
        "tipo_model": OldInput(str, "KBlueLeaf/TIPO-500M-ft | TIPO-500M-ft-F16.gguf"),
        "format": OldInput(str, Z_TIPO_TEMPLATE),
        "operation": OldInput(str, "None"),
        "width": OldInput(int, 1024),
        "height": OldInput(int, 1024),
        "temperature": OldInput(float, 0.5),
        "top_p": OldInput(float, 0.95),
        "min_p": OldInput(float, 0.05),
        "top_k": OldInput(int, 80),
        "tag_length": OldInput(LENGTHS, "long"),
        "nl_length": OldInput(LENGTHS, "long"),
        "seed": OldInput(int, 1234),
        "device": OldInput(("cpu", "cuda"), "cuda"),
    }
)
_TEXTS = ("tags", "nl_prompt", "ban_tags")
_SAMPLING = ("width", "height", "temperature", "top_p", "min_p", "top_k")


def _tipo_layouts(middle: str) -> tuple[tuple[str, ...], ...]:
    start = (*_TEXTS, "tipo_model", middle, *_SAMPLING, "tag_length")
    return (
        (*start, "nl_length", "seed", "device"),
        (*start, "nl_length", "seed"),
        (*start, "seed"),
    )


def _without(name: str) -> dict[str, OldInput]:
    return {key: value for key, value in _TIPO_INPUTS.items() if key != name}


_PROMPTS = ("prompt", "user_prompt", "unformatted_prompt", "unformatted_user_prompt")
TIPO = OldNode(
    "TIPO",
    Z_TIPO,
    _without("operation"),
    (
        *_tipo_layouts("format"),
        (*_TEXTS, "format", "width", "height", "temperature", "tag_length", "seed"),
    ),
    _PROMPTS,
    ("tags", "nl_prompt", "ban_tags"),
)
TIPO_OPERATION = OldNode(
    "TIPOOperation",
    Z_TIPO,
    _without("format"),
    _tipo_layouts("operation")[:2],
    ("full_output", "addon_output"),
    ("tags", "nl_prompt", "ban_tags"),
)
TIPO_FORMAT = OldNode(
    "TIPOFormat",
    Z_TIPO,
    {"format": _TIPO_INPUTS["format"]},
    (("format",),),
    _PROMPTS,
    ("full_output", "addon_output"),
    sockets=("full_output", "addon_output"),
)
_DANTAGGEN_INPUTS = {
    "model": OldInput(str, "KBlueLeaf/DanTagGen-alpha"),
    **dict.fromkeys(("artist", "characters", "copyrights", "special_tags", "general"), _TEXT),
    "blacklist": _TEXT,
    "rating": OldInput(str, "safe"),
    "target": OldInput(LENGTHS, "very_short"),
    "width": OldInput(int, 1024),
    "height": OldInput(int, 1024),
    "escape_bracket": OldInput(bool, False),
    "temperature": OldInput(float, 1.35),
}
PROMPT_DANTAGGEN = OldNode(
    "PromptDanTagGen",
    DANTAGGEN,
    _DANTAGGEN_INPUTS,
    (tuple(_DANTAGGEN_INPUTS),),
    ("output", "llm_output"),
    ("special_tags", "general"),
)
OLD_NODES: Mapping[str, OldNode] = MappingProxyType(
    {one.class_type: one for one in (TIPO, TIPO_OPERATION, TIPO_FORMAT, PROMPT_DANTAGGEN)}
)


def read_widgets(old: OldNode, saved: object) -> tuple[dict[str, Any], str | None]:
    """Return the values of a saved node by name, and the control of its seed if it has one.

    `saved` is the list that the page saves, or a mapping. Raises UnreadableNodeError if the values
    fit no version of the node.
    """
    if isinstance(saved, Mapping):
        given = saved.items()
        # A linked number without a value is saved as null.
        values = {name: one for name, one in given if name in old.inputs and one is not None}
        _check(old, values)
        control = saved.get(CONTROL)
        return values, control if control in CONTROLS else None
    if not isinstance(saved, Sequence) or isinstance(saved, str):
        saved = ()
    for layout in old.layouts:
        found = _laid_out(old, layout, list(saved))
        if found is not None:
            return found
    raise UnreadableNodeError(
        f"its {len(saved)} saved values fit no version of {old.pack} that is known"
    )


def _laid_out(
    old: OldNode, layout: Sequence[str], saved: list[Any]
) -> tuple[dict[str, Any], str | None] | None:
    """Return the values if they fit the order `layout`, else None."""
    control = None
    if "seed" in layout:
        place = layout.index("seed") + 1
        if len(saved) > len(layout) and saved[place] in CONTROLS:
            control = saved.pop(place)
    if len(saved) != len(layout):
        return None
    values = {name: value for name, value in zip(layout, saved, strict=True) if value is not None}
    is_fit = all(old.inputs[name].fits(value) for name, value in values.items())
    return (values, control) if is_fit else None


def _check(old: OldNode, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if not old.inputs[name].fits(value):
            raise UnreadableNodeError(f"{name} is {value!r}, which {old.pack} does not have")
