"""TIPO Fields: an expansion taken apart, an output for each part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io, ui

from ..host_features import schema
from .expand import TipoExpansion, meta_lines

if TYPE_CHECKING:
    from ...tipo_core.expansion.request import Expansion

# What each output holds, in the order of the outputs.
PARTS = {
    "tags": "All tags: yours, then the new ones. For a text encoder that reads tags.",
    "caption": "The whole caption. For a text encoder that reads sentences.",
    "user": "Your tags alone.",
    "added": "The new tags alone.",
    "added_caption": "The new sentences alone.",
    "head": "Your text up to your last BREAK or AND; the categories hold what is behind it.",
    "special": "Tags that say who is there: 1girl, 2boys, no humans ...",
    "characters": "Tags that name characters.",
    "copyrights": "Tags that name series.",
    "artist": "Tags that name artists.",
    "general": "All tags of no other category.",
    "meta": "Tags about the picture itself: highres, absurdres ...",
    "quality": "Tags that judge the quality: masterpiece, best quality ...",
    "rating": "Tags that give the rating: safe, general ...",
    "proposed": "Metadata that the model proposed, a line 'key: value' each.",
}


def parts_of(expansion: Expansion) -> dict[str, str]:
    """Return the text of each output."""
    own = {
        "tags": expansion.tags,
        "caption": expansion.caption,
        "added_caption": expansion.added_caption,
        "proposed": meta_lines(expansion.proposed),
    }
    return {name: own[name] if name in own else expansion.fields[name] for name in PARTS}


class TipoFields(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoFields",
            display_name="TIPO Fields",
            category="TIPO",
            search_aliases=["tags by category", "artist", "characters", "split expansion"],
            is_text_node=True,
            description="Takes an expansion apart, so that tags can go to one text encoder and the "
            "caption to another.",
            inputs=[TipoExpansion.Input("expansion", tooltip="From TIPO Expand.")],
            outputs=[
                io.String.Output(name, display_name=name, tooltip=tooltip)
                for name, tooltip in PARTS.items()
            ],
        )

    @classmethod
    def execute(cls, expansion: Expansion) -> io.NodeOutput:
        parts = parts_of(expansion)
        shown = "\n".join(f"{name}: {text}" for name, text in parts.items() if text.strip())
        return io.NodeOutput(*parts.values(), ui=ui.PreviewText(shown))


NODES = [TipoFields]
