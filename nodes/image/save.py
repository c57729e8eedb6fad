"""Save Image (Compressed): PNG, WebP, JPEG or AVIF with the workflow and the prompt inside."""

from __future__ import annotations

import os
from pathlib import Path

import folder_paths
import numpy as np
import psutil
import torch
from comfy.cli_args import args
from comfy_api.latest import io, ui
from PIL import Image

from ...tipo_core.pictures.files.file_prefix import name_problem, prefix_problem
from ...tipo_core.pictures.files.formats import ENDINGS, FORMATS, format_problem, size_problem
from ...tipo_core.pictures.files.generation_settings import GenerationSettings
from ...tipo_core.pictures.files.image_file import disk_problem, encoded, save_report, write_whole
from ...tipo_core.pictures.files.infotext import NO_HASHES
from ...tipo_core.pictures.files.metadata import ImageMetadata
from ...tipo_core.pictures.files.unfinished_files import remove_leftovers
from ...tipo_core.report_lines import warnings_of
from ..host_features import schema
from ..inputs import SettingsType, linked_text, report_output
from ..memory import check_interrupt
from .picture_metadata import graph_of, hashes_of, metadata_of, prefix_of, settings_of

METADATA_OFF = "(no metadata: the server runs with --disable-metadata)"


def to_pillow(image: torch.Tensor) -> Image.Image:
    """Return one picture (H, W, C) in 0..1 as 8-bit pixels, rounded as in core's Save Image.

    Raises ValueError unless the channels are grey, grey with alpha, RGB or RGBA.
    """
    channels = image.shape[-1]
    if not 1 <= channels <= 4:
        raise ValueError(
            f"The picture has {channels} channels; a file holds 1 to 4 (grey or RGB, with or "
            "without alpha): convert the picture first."
        )
    scaled = 255.0 * image.cpu().numpy()
    pixels = np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def process_start(process: int) -> float | None:
    """The time at which a process started, in seconds since 1970; None if it does not run."""
    try:
        return float(psutil.Process(process).create_time())
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return 0.0  # it runs, and hides its time


def save_images(
    images: torch.Tensor,
    prefix: str,
    format: str,
    quality: int,
    target_kb: int,
    metadata: ImageMetadata,
) -> tuple[list[ui.SavedResult], str]:
    """Write the batch (B, H, W, C) into ComfyUI's output folder; return the files and the report.

    Numbers continue those of files in the folder. The name cannot lead out of that folder. After a
    cancel the finished pictures remain. Raises ValueError for a picture that the format cannot
    hold, for a name that leads out of that folder and for one that is too long, and OSError with
    the folder and the remedy if a file cannot be written.
    """
    output = folder_paths.get_output_directory()
    height, width = images.shape[1:3]
    if problem := (
        format_problem(format)
        or size_problem(format, (width, height))
        or prefix_problem(prefix.strip(), output)
    ):
        raise ValueError(problem)
    try:
        folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(
            prefix.strip() or "TIPO", output, width, height
        )
    except OSError as error:
        raise OSError(disk_problem(error, output)) from error
    remove_leftovers(Path(folder), os.getpid(), process_start)

    def file_name(number: int) -> str:
        numbered = name.replace("%batch_num%", str(number))
        return f"{numbered}_{counter + number:05}_.{ENDINGS[format]}"

    if problem := name_problem(file_name(len(images))):
        raise ValueError(problem)
    # ComfyUI does not see the numbers of names with %batch_num%.
    while any(Path(folder, file_name(number)).exists() for number in range(len(images))):
        counter += len(images)
    saved, files = [], []
    for number, image in enumerate(images):
        one = encoded(to_pillow(image), metadata, format, quality, target_kb, check_interrupt)
        file = file_name(number)
        write_whole(Path(folder, file), one.content)
        saved.append(ui.SavedResult(file, subfolder, io.FolderType.output))
        files.append((Path(subfolder, file).as_posix(), one))
    return saved, save_report(format, files)


class TipoSaveImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoSaveImage",
            display_name="Save Image (Compressed)",
            category="TIPO/image",
            search_aliases=[
                "save webp",
                "save jpg",
                "save avif",
                "compress",
                "export image",
                "file size",
                "metadata",
            ],
            advanced=["text", "target_kb", "negative", "settings", "hashes"],
            essentials_category="Basics",
            description="Saves pictures as PNG, WebP, JPEG or AVIF, by quality or by file size, "
            "with the workflow, the prompt and the settings inside. Drop a PNG, WebP or AVIF on "
            "ComfyUI to open the workflow again.",
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            inputs=[
                io.Image.Input("images", tooltip="Pictures to save."),
                io.String.Input(
                    "filename_prefix",
                    default="TIPO",
                    tooltip="Start of the file name in the output folder; a / makes a subfolder. "
                    "%date:yyyy-MM-dd%, %year%, %month%, %day%, %width%, %height% and %batch_num% "
                    "are replaced, and %Node.input% is replaced with a value from the graph.",
                ),
                io.Combo.Input(
                    "format",
                    options=FORMATS,
                    default="png",
                    tooltip="png keeps every pixel; webp and avif are several times smaller. jpeg "
                    "opens everywhere, but it has no alpha (the background becomes white), and "
                    "ComfyUI does not open the workflow from it.",
                ),
                io.Int.Input(
                    "quality",
                    default=90,
                    min=1,
                    max=100,
                    tooltip="For webp, jpeg and avif (png is lossless) while target_kb is 0: 90 "
                    "looks almost like the original, 75 makes much smaller files. The same number "
                    "looks different in each format.",
                ),
                linked_text(
                    "text",
                    "The expanded prompt, saved in the file under 'parameters', where galleries "
                    "and A1111's PNG Info read it, before the settings found in the graph. Without "
                    "it, the prompt is read from the graph.",
                ),
                io.Int.Input(
                    "target_kb",
                    default=0,
                    min=0,
                    max=1_000_000,
                    optional=True,
                    tooltip="Largest file size in kB (1000 bytes), metadata included: the node "
                    "searches the highest quality that fits and ignores the input quality. 0 = "
                    "off. Not for png.",
                ),
                linked_text(
                    "negative",
                    "The negative prompt, saved with text. Without it, the negative prompt is read "
                    "from the graph.",
                ),
                SettingsType.Input(
                    "settings",
                    optional=True,
                    tooltip="From Sampler (CFG / Denoise): the steps, sampler, cfg, seed and "
                    "denoise that ran. Without it, they are read from the graph.",
                ),
                io.Boolean.Input(
                    "hashes",
                    default=True,
                    optional=True,
                    tooltip="Save the hashes of the model, VAE, LoRAs and embeddings, by which "
                    "model sites find them. They are computed once per file, in the background: "
                    "the first picture of a large model may be saved without them.",
                ),
            ],
            outputs=[
                report_output(
                    "For each file: path in the output folder, format, size, quality and number of "
                    "encodes; and metadata that was left out."
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, format: str | None) -> bool | str:
        # A linked value is None here; it is checked when the node runs.
        return format is None or format_problem(format) or True

    @classmethod
    def execute(
        cls,
        images: torch.Tensor,
        filename_prefix: str,
        format: str,
        quality: int,
        text: str | None = None,
        target_kb: int = 0,
        negative: str | None = None,
        settings: GenerationSettings | None = None,
        hashes: bool = True,
    ) -> io.NodeOutput:
        metadata, note = ImageMetadata(), None
        graph = graph_of(cls.hidden)
        prefix, unread = prefix_of(cls.hidden, graph, filename_prefix)
        if not args.disable_metadata:
            height, width = images.shape[1:3]
            found = settings_of(cls.hidden, graph, text, negative, settings)
            files, note = hashes_of(cls.hidden, graph, found) if hashes else (NO_HASHES, None)
            metadata = metadata_of(cls.hidden, graph, found, (width, height), files)
        saved, report = save_images(images, prefix, format, quality, target_kb, metadata)
        notes = [METADATA_OFF] if args.disable_metadata else [note] if note else []
        report = "\n".join([report, *warnings_of(unread), *notes])
        return io.NodeOutput(report, ui={**ui.SavedImages(saved).as_dict(), "text": [report]})


NODES = [TipoSaveImage]
