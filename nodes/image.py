"""Save Image (Compressed): PNG or WebP with the workflow and the prompt inside."""

from __future__ import annotations

from pathlib import Path

import folder_paths
import numpy as np
import torch
from comfy.cli_args import args
from comfy_api.latest import io, ui
from PIL import Image

from ..tipo_core.pictures.save import (
    ImageMetadata,
    disk_problem,
    encode_png,
    encode_webp,
    write_whole,
)

FORMATS = ["png", "webp"]


def to_pillow(image: torch.Tensor) -> Image.Image:
    """One picture (H, W, C) in 0..1 as 8-bit pixels, rounded as core's Save Image rounds."""
    return Image.fromarray(np.clip(255.0 * image.cpu().numpy(), 0, 255).astype(np.uint8))


def save_images(
    images: torch.Tensor, prefix: str, format: str, quality: int, metadata: ImageMetadata
) -> list[ui.SavedResult]:
    """Write the batch (B, H, W, C) into ComfyUI's output folder, numbered after what is there.

    The name cannot lead out of that folder. Raises OSError naming the folder and the remedy where
    the disk does not take a file.
    """
    output = folder_paths.get_output_directory()
    height, width = images.shape[1:3]
    try:
        folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(
            prefix.strip() or "TIPO", output, width, height
        )
    except OSError as error:
        raise OSError(disk_problem(error, output)) from error
    saved = []
    for number, image in enumerate(images):
        file = f"{name.replace('%batch_num%', str(number))}_{counter + number:05}_.{format}"
        picture = to_pillow(image)
        if format == "png":
            content = encode_png(picture, metadata)
        else:
            content = encode_webp(picture, metadata, quality)
        write_whole(Path(folder, file), content)
        saved.append(ui.SavedResult(file, subfolder, io.FolderType.output))
    return saved


class TipoSaveImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TipoSaveImage",
            display_name="Save Image (Compressed)",
            category="TIPO/image",
            description="Saves pictures as PNG or WebP with the workflow and the expanded prompt "
            "inside. Drop such a file on ComfyUI to get the graph back.",
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                io.Image.Input("images", tooltip="Pictures to save."),
                io.String.Input(
                    "filename_prefix",
                    default="TIPO",
                    tooltip="Start of the file name, inside the output folder; a / makes a "
                    "subfolder. %year%, %month%, %day%, %width%, %height% and %batch_num% are "
                    "filled in, and %Node.input% takes a value from the graph.",
                ),
                io.Combo.Input(
                    "format",
                    options=FORMATS,
                    default="png",
                    tooltip="png keeps every pixel; webp is several times smaller.",
                ),
                io.Int.Input(
                    "quality",
                    default=90,
                    min=1,
                    max=100,
                    tooltip="For webp only (png is lossless): 90 is hard to tell from the "
                    "original, 75 is half the size.",
                ),
                io.String.Input(
                    "text",
                    optional=True,
                    force_input=True,
                    tooltip="The expanded prompt, kept in the file under 'parameters', where "
                    "galleries and A1111's PNG Info look for it.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        images: torch.Tensor,
        filename_prefix: str,
        format: str,
        quality: int,
        text: str | None = None,
    ) -> io.NodeOutput:
        metadata = ImageMetadata()
        if not args.disable_metadata:
            graph = {"prompt": cls.hidden.prompt, **(cls.hidden.extra_pnginfo or {})}
            graph = {key: value for key, value in graph.items() if value is not None}
            metadata = ImageMetadata(graph, text or "")
        saved = save_images(images, filename_prefix, format, quality, metadata)
        return io.NodeOutput(ui=ui.SavedImages(saved))


NODES = [TipoSaveImage]
