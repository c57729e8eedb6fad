"""Split Tags and Caption: a mixed prompt, told apart and kept verbatim."""

from __future__ import annotations

from comfy_api.latest import io, ui

from ..host_features import schema


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
            description="Tells the tags of a prompt from its sentences, and both from LoRAs, "
            "embeddings, comments and the like. No character of them is changed.",
            inputs=[
                io.String.Input(
                    "text",
                    default="",
                    multiline=True,
                    tooltip="A prompt of tags, sentences, or both in any order.",
                ),
            ],
            outputs=[
                io.String.Output("tags", display_name="tags", tooltip="The tags, as they stand."),
                io.String.Output(
                    "caption", display_name="caption", tooltip="The sentences, as they stand."
                ),
                io.String.Output(
                    "networks",
                    display_name="networks",
                    tooltip="LoRAs and embeddings that stand alone between commas.",
                ),
                io.String.Output(
                    "rest",
                    display_name="rest",
                    tooltip="Comments, BREAK and AND, and wildcards that stand alone.",
                ),
            ],
        )

    @classmethod
    def execute(cls, text: str) -> io.NodeOutput:
        from ...tipo_core.prompt import split_prompt

        split = split_prompt(text)
        parts = {
            "tags": split.tags,
            "caption": split.caption,
            "networks": split.networks,
            "rest": split.rest,
        }
        shown = "\n".join(f"{name}: {part}" for name, part in parts.items())
        return io.NodeOutput(*parts.values(), ui=ui.PreviewText(shown))


NODES = [TipoSplitPrompt]
