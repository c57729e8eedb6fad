"""Split Tags and Caption: the parts of a mixed prompt, verbatim."""

from __future__ import annotations

from comfy_api.latest import io, ui

from ..host_features import schema
from ..inputs import text_box, text_output
from ..memory import read_text


class TipoSplitPrompt(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoSplitPrompt",
            display_name="Split Tags and Caption",
            category="TIPO",
            search_aliases=[
                "split prompt",
                "wildcard",
                "lora tags",
                "tags and caption",
                "parse prompt",
            ],
            is_text_node=True,
            description="Separates the tags of a prompt from its sentences, and both from LoRAs, "
            "embeddings, comments and similar parts. No character of them is changed.",
            inputs=[text_box("text", "A prompt of tags, sentences, or both in any order.")],
            outputs=[
                text_output("tags", "tags", "The tags, unchanged."),
                text_output("caption", "caption", "The sentences, unchanged."),
                text_output(
                    "networks",
                    "networks",
                    "LoRAs and embeddings that stand alone between commas.",
                ),
                text_output(
                    "rest", "rest", "Comments, BREAK and AND, and wildcards that stand alone."
                ),
            ],
        )

    @classmethod
    def execute(cls, text: str) -> io.NodeOutput:
        from ...tipo_core.prompt import split_prompt

        split = read_text(lambda: split_prompt(text), text)
        parts = {
            "tags": split.tags,
            "caption": split.caption,
            "networks": split.networks,
            "rest": split.rest,
        }
        shown = "\n".join(f"{name}: {part}" for name, part in parts.items())
        return io.NodeOutput(*parts.values(), ui=ui.PreviewText(shown))


NODES = [TipoSplitPrompt]
