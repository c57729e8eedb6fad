"""Nodes with the inputs of z-tipo's and DanTagGen's, for graphs that were made with those packs.

ComfyUI puts them in the place of the missing nodes. Each one expands to the nodes of this pack that
`tipo_core.migrate` writes.
"""

from __future__ import annotations

import logging
from typing import Any

from comfy_api.latest import io

from ...tipo_core.migrate.old_nodes import (
    CONTROL,
    PROMPT_DANTAGGEN,
    TIPO,
    TIPO_FORMAT,
    TIPO_OPERATION,
    OldNode,
)
from ..host_features import schema
from ..inputs import ExpansionType, seed_input, text_box, text_output

_log = logging.getLogger("tipo-suite")
_LARGEST = 16384  # pixels
_MOST = 2**31 - 1
_SIZES = ("width", "height")
_TOOLTIPS = {
    "tags": "Your tags, separated by commas.",
    "nl_prompt": "Your description in sentences.",
    "ban_tags": "Tags that are not added: a word bans every tag that contains it, an entry is also "
    "a regular expression for the start of a tag.",
    "tipo_model": "Model as z-tipo writes it: repository, or repository | GGUF file.",
    "format": "Template of the prompt.",
    "operation": "Task, None for more tags.",
    "width": "Width of the picture in pixels, for the aspect ratio.",
    "height": "Height of the picture in pixels, for the aspect ratio.",
    "temperature": "Higher values give more surprising text.",
    "top_p": "Draw only from the likeliest words that add up to this share.",
    "min_p": "Leave out words below this share of the likeliest word.",
    "top_k": "Draw only from this many of the likeliest words.",
    "tag_length": "Length class of the tags.",
    "nl_length": "Length class of the caption.",
    "device": "cpu, or ComfyUI's choice of a device.",
    "model": "DanTagGen's model. TIPO reads another prompt format, so tipo-nano runs in its place.",
    "artist": "Names of artists.",
    "characters": "Names of characters.",
    "copyrights": "Names of series.",
    "special_tags": "Tags for the number of persons.",
    "general": "All other tags.",
    "blacklist": "Whole tags that are not added.",
    "rating": "Rating of the picture.",
    "target": "Length class of the tags.",
    "escape_bracket": "Write the parentheses of names with a backslash.",
    "full_output": "From the stand-in of TIPO Single Operation.",
    "addon_output": "From the stand-in of TIPO Single Operation.",
}
_TEXT_BOXES = ("tags", "nl_prompt", "ban_tags", "format", "general")
_PROMPTS = {
    "prompt": "The whole prompt in the template.",
    "user_prompt": "Your text alone in the template.",
    "unformatted_prompt": "Your text and the additions, without the template.",
    "unformatted_user_prompt": "Your text alone, without the template.",
}


def _input(old: OldNode, name: str) -> io.Input:
    """Return the declaration of one of an old node's inputs."""
    if name == "seed":
        return seed_input("The same inputs and seed give the same text.")
    if name in old.sockets:
        return ExpansionType.Input(name, tooltip=_TOOLTIPS[name])
    given = old.inputs[name]
    options: dict[str, Any] = {"default": given.default, "tooltip": _TOOLTIPS[name]}
    if name in _TEXT_BOXES:
        return text_box(name, _TOOLTIPS[name], default=given.default)
    if isinstance(given.kind, tuple):
        return io.Combo.Input(name, options=list(given.kind), **options)
    if given.kind is bool:
        return io.Boolean.Input(name, **options)
    if given.kind is float:
        return io.Float.Input(name, step=0.01, **options)
    if given.kind is int:
        return io.Int.Input(name, min=0, max=_LARGEST if name in _SIZES else _MOST, **options)
    return io.String.Input(name, **options)


def _schema(old: OldNode, node_id: str, display_name: str, outputs: list[io.Output]) -> io.Schema:
    return schema(
        node_id=node_id,
        display_name=display_name,
        category="TIPO/other packs",
        search_aliases=[old.class_type],
        description=f"Stands in for {old.class_type} of {old.pack} in a workflow that was made "
        "with that pack. Edit > Replace z-tipo nodes converts it to the nodes of this pack.",
        inputs=[_input(old, name) for name in (*old.sockets, *old.layouts[0])],
        outputs=outputs,
        enable_expand=True,
        is_deprecated=True,
    )


def _prompts() -> list[io.Output]:
    return [text_output(f"{name}_text", name, tooltip) for name, tooltip in _PROMPTS.items()]


def _expanded(old: OldNode, given: dict[str, Any]) -> io.NodeOutput:
    """Return the nodes that do the old node's work."""
    from comfy_execution.graph_utils import GraphBuilder

    from ...tipo_core.migrate.migrated import made_for
    from ...tipo_core.migrate.replacement import OldValues, Own

    made = made_for(old, OldValues(given, set(old.outputs), in_page=False))
    for note in made.notes:
        if note.is_lost:
            _log.warning("%s: %s", old.class_type, note.text)
    graph = GraphBuilder()
    nodes = {key: graph.node(new.class_type) for key, new in made.nodes.items()}

    def linked(value: Any) -> Any:
        return nodes[value.node].out(made.slot(value)) if isinstance(value, Own) else value

    for key, new in made.nodes.items():
        for name, value in new.all_inputs().items():
            nodes[key].set_input(name, linked(value))
    results = [linked(made.outputs[name]) for name in old.outputs]
    return io.NodeOutput(*results, expand=graph.finalize())


class TipoStandIn(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema(TIPO, "TipoStandIn", "TIPO (z-tipo)", _prompts())

    @classmethod
    def execute(cls, **given: Any) -> io.NodeOutput:
        return _expanded(TIPO, given)


class TipoStandInOperation(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        outputs: list[io.Output] = [
            ExpansionType.Output(
                f"{name}_expansion",
                display_name=name,
                tooltip="The result, for the stand-in of TIPO Format.",
            )
            for name in TIPO_OPERATION.outputs
        ]
        display_name = "TIPO Single Operation (z-tipo)"
        return _schema(TIPO_OPERATION, "TipoStandInOperation", display_name, outputs)

    @classmethod
    def execute(cls, **given: Any) -> io.NodeOutput:
        return _expanded(TIPO_OPERATION, given)


class TipoStandInFormat(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema(TIPO_FORMAT, "TipoStandInFormat", "TIPO Format (z-tipo)", _prompts())

    @classmethod
    def execute(cls, **given: Any) -> io.NodeOutput:
        from ...tipo_core.expansion.user_text import typed_fields
        from ...tipo_core.migrate.replace_tipo import UNFORMATTED, UNFORMATTED_YOURS, template_of
        from ...tipo_core.migrate.replacement import Replacement
        from ...tipo_core.prompt import Template

        full, addon = (given[name].fields for name in TIPO_FORMAT.sockets)
        form = template_of(given["format"], Replacement())
        return io.NodeOutput(
            Template.parse(form).render(full),
            Template.parse(form).render(typed_fields(addon)),
            Template.parse(UNFORMATTED).render(addon),
            Template.parse(UNFORMATTED_YOURS).render(typed_fields(addon)),
        )


class TipoStandInDanTagGen(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        outputs: list[io.Output] = [
            text_output("output", "output", "The prompt."),
            text_output("llm_output", "llm_output", "The tags: yours and the new ones."),
        ]
        display_name = "Danbooru Tag Generator (DanTagGen)"
        return _schema(PROMPT_DANTAGGEN, "TipoStandInDanTagGen", display_name, outputs)

    @classmethod
    def execute(cls, **given: Any) -> io.NodeOutput:
        return _expanded(PROMPT_DANTAGGEN, given)


NODES: list[type[io.ComfyNode]] = [
    TipoStandIn,
    TipoStandInOperation,
    TipoStandInFormat,
    TipoStandInDanTagGen,
]
_OLD = (TIPO, TIPO_OPERATION, TIPO_FORMAT, PROMPT_DANTAGGEN)


def replacements() -> list[dict[str, Any]]:
    """Return the arguments of ComfyUI's NodeReplace: each old node, and the node in its place.

    ComfyUI applies them only where no pack has the old node.
    """
    found = []
    for node, old in zip(NODES, _OLD, strict=True):
        widgets = list(old.layouts[0])
        if "seed" in widgets:
            widgets.insert(widgets.index("seed") + 1, CONTROL)
        found.append(
            {
                "new_node_id": node.define_schema().node_id,
                "old_node_id": old.class_type,
                "old_widget_ids": widgets,
                "input_mapping": [
                    {"new_id": name, "old_id": name} for name in (*old.sockets, *old.layouts[0])
                ],
                "output_mapping": [
                    {"new_idx": slot, "old_idx": slot} for slot in range(len(old.outputs))
                ],
            }
        )
    return found
