"""DreamBooth Dataset: pictures of a subject, sized, captioned and looked at."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io, ui

from ....tipo_core.dreambooth.dataset.picture_fitting import CENTER, CROPS, Fitting
from ....tipo_core.dreambooth.dataset.rare_tokens import DEFAULT_TOKEN, without_token
from ....tipo_core.report_lines import warning
from ...host_features import schema
from ...inputs import DatasetType, check_choice, report_output, seed_input, text_output
from ...memory import byte_progress, main_memory_free
from .picture_sources import (
    EXAMPLE,
    NO_FOLDER,
    as_image,
    folder_choices,
    folder_of,
    folder_problem,
    folder_state,
)


def size_input(name: str, tooltip: str, default: int = 512) -> io.Int.Input:
    """Return a side of the model's size in pixels."""
    return io.Int.Input(name, default=default, min=64, max=4096, step=8, tooltip=tooltip)


class TipoDreamBoothDataset(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoDreamBoothDataset",
            display_name="DreamBooth Dataset",
            category="TIPO/training",
            search_aliases=["dreambooth", "training images", "image folder", "captions", "buckets"],
            advanced=["crop", "buckets", "captions", "repeats", "mirrored", "seed"],
            shows_report=True,
            description="Pictures of a subject for DreamBooth Train: from a folder of the input "
            "folder, from the graph, or both. They are turned upright, sized and cropped. The "
            "report names pictures that are too few, too small, equal, damaged or odd.",
            inputs=[
                io.Combo.Input(
                    "folder",
                    options=folder_choices(EXAMPLE, NO_FOLDER),
                    default=EXAMPLE,
                    tooltip="Folder with pictures in ComfyUI's input folder; the key R reads the "
                    "menu again. none: only the pictures of the input images. The example comes "
                    "with the pack.",
                ),
                io.String.Input(
                    "token",
                    default=DEFAULT_TOKEN,
                    tooltip="Rare word that becomes the name of the subject. It should be one "
                    "token that means nothing yet: sks, ohwx, olis, shs. Connect clip to see how "
                    "many tokens it is.",
                ),
                io.String.Input(
                    "prompt",
                    default=f"{DEFAULT_TOKEN} critter",
                    tooltip="Prompt of the subject: the token before the word of its class, such "
                    "as: a photo of sks dog. It is the caption of each picture without a file of "
                    "its own. [filewords] is replaced by that file's text.",
                ),
                io.String.Input(
                    "class_prompt",
                    default="",
                    tooltip="Prompt of the class, such as: a photo of a dog. Empty is the prompt "
                    "without the token. The output class_prompt has it for Class Images.",
                ),
                size_input("width", "Width that the model draws: 512 for SD1.5, 1024 for SDXL."),
                size_input("height", "Height that the model draws: 512 for SD1.5, 1024 for SDXL."),
                io.Combo.Input(
                    "crop",
                    options=list(CROPS),
                    default=CENTER,
                    tooltip="center and random cut pictures of another shape; random cuts another "
                    "part for each repeat, by the seed. none keeps the whole picture at about the "
                    "same area.",
                ),
                io.Boolean.Input(
                    "buckets",
                    default=False,
                    tooltip="Give each picture the nearest of several shapes with the area of "
                    "width x height, in steps of 64 pixels, so that less is cut off.",
                ),
                io.Boolean.Input(
                    "captions",
                    default=True,
                    tooltip="Use the caption in a text file beside a picture (dog.txt for dog.png) "
                    "in place of the prompt.",
                ),
                io.Int.Input(
                    "repeats",
                    default=1,
                    min=1,
                    max=10000,
                    tooltip="How often each picture is seen in an epoch. With crop random, each "
                    "repeat is another part of the picture.",
                ),
                io.Boolean.Input(
                    "mirrored",
                    default=False,
                    tooltip="Train on each picture mirrored too. Leave it off for faces, letters "
                    "and everything with a left and a right.",
                ),
                seed_input("Places the random crops.", changes=False),
                io.Image.Input(
                    "images", optional=True, tooltip="Pictures of the graph, after the folder's."
                ),
                io.Clip.Input(
                    "clip",
                    optional=True,
                    tooltip="Text encoder of the model: the report says how many tokens the token "
                    "is.",
                ),
            ],
            outputs=[
                DatasetType.Output(
                    "dataset", display_name="dataset", tooltip="For DreamBooth Train."
                ),
                io.Image.Output(
                    "preview",
                    display_name="preview",
                    tooltip="The pictures as they are trained on, with their crops and names.",
                ),
                report_output("Pictures, sizes, captions, the token's length, and faults."),
                text_output("of_class", "class_prompt", "Prompt of the class, for Class Images."),
            ],
        )

    @classmethod
    def validate_inputs(cls, folder: str | None) -> bool | str:
        # A linked value is None here; it is checked when the node runs.
        return folder_problem(folder) or True

    @classmethod
    def fingerprint_inputs(cls, folder: str | None = None, **others: Any) -> object:
        return folder_state(folder)

    @classmethod
    def execute(
        cls,
        folder: str,
        token: str,
        prompt: str,
        class_prompt: str,
        width: int,
        height: int,
        crop: str,
        buckets: bool,
        captions: bool,
        repeats: int,
        mirrored: bool,
        seed: int,
        images: torch.Tensor | None = None,
        clip: Any = None,
    ) -> io.NodeOutput:
        from ....tipo_core.dreambooth.dataset.contact_sheet import contact_sheet, left_out
        from ....tipo_core.dreambooth.dataset.picture_folders import files_of_folder, name_note
        from ....tipo_core.dreambooth.dataset.subject_set import (
            SetSettings,
            joined,
            pictures_of_batch,
            pictures_of_folder,
            subject_set,
        )
        from .token_check import token_report

        check_choice("crop", crop, CROPS)
        fitting, token = Fitting(width, height, crop, buckets), token.strip()
        if not token:
            raise ValueError("the token is empty: type a rare word, such as sks")
        found = []
        if (path := folder_of(folder)) is not None:
            found.append(pictures_of_folder(files_of_folder(path), byte_progress()))
        if images is not None:
            found.append(pictures_of_batch(images))
        settings = SetSettings(fitting, prompt, token, captions, repeats, mirrored, seed)
        made, lines = subject_set(joined(found), settings, main_memory_free())
        of_class = class_prompt.strip() or without_token(made.prompt, token)
        tokens = token_report(clip, token) if clip is not None else []
        names = [one.name for one in made.pictures]
        sheet = contact_sheet([one.content for one in made.pictures], names)
        rest = [one for one in (warning(name_note(folder)), left_out(len(names))) if one]
        report = "\n".join(
            [
                *lines[:3],
                f"class prompt: {of_class}",
                *tokens,
                *lines[3:],
                *rest,
            ]
        )
        return io.NodeOutput(made, as_image(sheet), report, of_class, ui=ui.PreviewText(report))


NODES = [TipoDreamBoothDataset]
