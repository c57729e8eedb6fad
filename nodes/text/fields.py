"""TIPO Fields: the parts of an expansion, one output per part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io, ui

from ..host_features import schema
from ..inputs import ExpansionType, text_output
from .shown_text import metadata_text

if TYPE_CHECKING:
    from ...tipo_core.expansion.request import Expansion

# The tooltip of each output, in the order of the outputs.
PARTS = {
    "tags": "All tags, yours first. For a text encoder that reads tags.",
    "caption": "The whole caption. For a text encoder that reads sentences.",
    "user": "Only your tags.",
    "added": "Only the new tags.",
    "added_caption": "Only the new sentences.",
    "head": "Your text up to your last BREAK or AND; the categories hold the tags after it.",
    "special": "Tags for the number of persons: 1girl, 2boys, no humans ...",
    "characters": "Names of characters.",
    "copyrights": "Names of series.",
    "artist": "Names of artists.",
    "general": "All tags of no other category.",
    "meta": "Tags about the picture itself: highres, absurdres ...",
    "quality": "Tags that rate the quality: masterpiece, best quality ...",
    "rating": "Tags that give the rating: safe, general ...",
    "proposed": "Metadata that the model proposed, one 'key: value' per line.",
}


def parts_of(expansion: Expansion) -> dict[str, str]:
    """Return the text of each output."""
    own = {
        "tags": expansion.tags,
        "caption": expansion.caption,
        "added_caption": expansion.fields["continued"] or expansion.fields["generated"],
        "proposed": metadata_text(expansion.proposed),
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
            description="Returns the parts of an expansion, so that tags can go to one text "
            "encoder and the caption to another.",
            inputs=[ExpansionType.Input("expansion", tooltip="From TIPO Expand.")],
            outputs=[text_output(name, name, tooltip) for name, tooltip in PARTS.items()],
        )

    @classmethod
    def execute(cls, expansion: Expansion) -> io.NodeOutput:
        parts = parts_of(expansion)
        shown = "\n".join(f"{name}: {text}" for name, text in parts.items() if text.strip())
        return io.NodeOutput(*parts.values(), ui=ui.PreviewText(shown))


NODES = [TipoFields]
