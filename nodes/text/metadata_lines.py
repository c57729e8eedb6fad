"""TIPO Metadata: facts about the picture as metadata lines, from links and widgets."""

from __future__ import annotations

from comfy_api.latest import io, ui

from ..host_features import schema
from ..inputs import text_output

# The field of each metadata line, and the words of its tooltip.
_FIELDS = {
    "rating": "Rating: safe, sensitive, nsfw ...",
    "artist": "Names of artists, separated by commas.",
    "characters": "Names of characters, separated by commas.",
    "copyrights": "Names of series, separated by commas.",
    "quality": "Tags that rate the quality: masterpiece, best quality ...",
    "meta": "Tags about the picture itself: highres, absurdres ...",
}
_MOST = 16384


def metadata_lines(fields: dict[str, str], width: int, height: int) -> str:
    """Return one line 'key: value' per field with a text, then the aspect ratio of a known size."""
    from ...tipo_core.expansion.format import render_meta

    values = {name: " ".join(text.split()).strip(", ") for name, text in fields.items()}
    if width > 0 and height > 0:
        values["aspect ratio"] = f"{width / height:.1f}"
    return "\n".join(render_meta(values))


class TipoMetadata(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoMetadata",
            display_name="TIPO Metadata",
            category="TIPO",
            search_aliases=["aspect ratio", "rating", "artist", "width", "height"],
            is_text_node=True,
            description="Writes the metadata for TIPO Expand and TIPO Single Task, so that the "
            "size of the picture or a name can come from another node.",
            inputs=[
                *(
                    io.String.Input(
                        name, default="", optional=True, tooltip=f"{tooltip} May be empty."
                    )
                    for name, tooltip in _FIELDS.items()
                ),
                *(
                    io.Int.Input(
                        name,
                        default=0,
                        min=0,
                        max=_MOST,
                        optional=True,
                        tooltip=f"{name.capitalize()} of the picture in pixels, for the aspect "
                        "ratio; 0 = unknown.",
                    )
                    for name in ("width", "height")
                ),
            ],
            outputs=[
                text_output(
                    "metadata",
                    "metadata",
                    "One 'key: value' per line, for the metadata input of other TIPO nodes.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        rating: str = "",
        artist: str = "",
        characters: str = "",
        copyrights: str = "",
        quality: str = "",
        meta: str = "",
        width: int = 0,
        height: int = 0,
    ) -> io.NodeOutput:
        fields = {
            "rating": rating,
            "artist": artist,
            "characters": characters,
            "copyrights": copyrights,
            "quality": quality,
            "meta": meta,
        }
        lines = metadata_lines(fields, width, height)
        return io.NodeOutput(lines, ui=ui.PreviewText(lines))


NODES = [TipoMetadata]
