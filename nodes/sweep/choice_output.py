"""An output of menu choices that connects to the menus of older and newer nodes."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

# ComfyUI's class of type names, in which "*" is any type.
_TypeName: Any = type(io.Combo.io_type)


class ChoiceType(_TypeName):
    """The link type of a menu, equal to "COMBO" and to each list that shares a choice with it.

    ComfyUI compares the types of a link with `!=`. Core's KSampler declares a menu as the list of
    its choices, newer nodes declare "COMBO"; an output of this type connects to both.
    """

    choices: list[str]

    def __new__(cls, choices: list[str]) -> ChoiceType:
        self: ChoiceType = super().__new__(cls, io.Combo.io_type)
        self.choices = choices
        return self

    def __ne__(self, other: object) -> bool:
        if isinstance(other, list):
            return not set(self.choices).intersection(map(str, other))
        return bool(super().__ne__(other))


class ChoiceOutput(io.Combo.Output):
    """An output whose values are choices of a menu."""

    @property
    def io_type(self) -> ChoiceType:
        return ChoiceType(self.options)
