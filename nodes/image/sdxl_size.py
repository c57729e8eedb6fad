"""SDXL Size: picture size and crop as conditioning of SDXL."""

from __future__ import annotations

from dataclasses import dataclass

from comfy_api.latest import io

from ..host_features import schema
from ..inputs import SdxlSizeType


@dataclass(frozen=True)
class SdxlSize:
    """Sizes in pixels that condition SDXL; the names are those of core's conditioning."""

    width: int
    height: int
    crop_w: int
    crop_h: int
    target_width: int
    target_height: int


class TipoSdxlSize(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        def pixels(name: str, default: int, tooltip: str) -> io.Int.Input:
            return io.Int.Input(name, default=default, min=0, max=16384, tooltip=tooltip)

        return schema(
            node_id="TipoSdxlSize",
            display_name="SDXL Size",
            category="TIPO/conditioning",
            search_aliases=["sdxl conditioning", "crop", "target size"],
            description="Picture size and crop that condition SDXL in addition to the prompt. "
            "Connect it to the positive and the negative CLIP Text Encode (Clip Skip).",
            inputs=[
                pixels("width", 1024, "Width of the original picture, as SDXL assumes it."),
                pixels("height", 1024, "Height of the original picture, as SDXL assumes it."),
                pixels("crop_w", 0, "Pixels cropped at the left; 0 keeps subjects whole."),
                pixels("crop_h", 0, "Pixels cropped at the top; 0 keeps subjects whole."),
                pixels("target_width", 1024, "Width of the result, best the latent's."),
                pixels("target_height", 1024, "Height of the result, best the latent's."),
            ],
            outputs=[
                SdxlSizeType.Output(
                    "size", display_name="size", tooltip="For CLIP Text Encode (Clip Skip)."
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        width: int,
        height: int,
        crop_w: int,
        crop_h: int,
        target_width: int,
        target_height: int,
    ) -> io.NodeOutput:
        return io.NodeOutput(SdxlSize(width, height, crop_w, crop_h, target_width, target_height))


NODES = [TipoSdxlSize]
