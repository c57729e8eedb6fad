"""Class Images: pictures of the subject's class, drawn by the model itself or from a folder."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui

from ...host_features import schema
from ...inputs import (
    ClassImagesType,
    check_choice,
    report_output,
    sampler_choices,
    sampling_inputs,
    text_box,
)
from ...memory import byte_progress, main_memory_free
from ..progress_text import progress_text
from .dreambooth_dataset import size_input
from .picture_sources import (
    NO_FOLDER,
    as_image,
    folder_choices,
    folder_of,
    folder_problem,
    folder_state,
)

_MOST_SHOWN = 64  # pictures of the preview


class TipoClassImages(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        seed, steps, cfg, sampler_name, scheduler = sampling_inputs(
            seed="The same seed and settings give the same pictures, whatever the batch size is.",
            steps="Denoising steps of a picture.",
            cfg="Classifier-free guidance; lower values give more varied pictures.",
            sampler_name="Sampler; ancestral ones depend on the batch size too.",
            scheduler="Noise schedule of the sampler.",
            # A new seed at each run would draw all pictures again.
            seed_changes=False,
        )
        return schema(
            node_id="TipoClassImages",
            display_name="Class Images",
            category="TIPO/training",
            search_aliases=[
                "regularization images",
                "prior preservation",
                "class images",
                "reg images",
                "dreambooth",
            ],
            advanced=["negative", "sampler_name", "scheduler", "batch_size", "folder"],
            shows_report=True,
            description="Pictures of the subject's class, which DreamBooth Train keeps as they "
            "are. The model draws them once; they stay in the output folder, are used again, and a "
            "cancelled run goes on with the missing ones.",
            inputs=[
                io.Model.Input("model", tooltip="Diffusion model that is to be trained."),
                io.Clip.Input("clip", tooltip="Text encoder of the model."),
                io.Vae.Input("vae", tooltip="VAE of the model."),
                io.String.Input(
                    "prompt",
                    default="critter",
                    tooltip="Prompt of the class without the token, such as: a photo of a dog. "
                    "DreamBooth Dataset has it as an output.",
                ),
                text_box("negative", "Negative prompt of the class pictures."),
                io.Int.Input(
                    "count",
                    default=100,
                    min=1,
                    max=10000,
                    tooltip="Number of class pictures. More keep the class better; 20 to 100 for "
                    "each picture of the subject are usual.",
                ),
                seed,
                steps,
                cfg,
                sampler_name,
                scheduler,
                size_input("width", "Width that the model draws: 512 for SD1.5, 1024 for SDXL."),
                size_input("height", "Height that the model draws: 512 for SD1.5, 1024 for SDXL."),
                io.Int.Input(
                    "batch_size",
                    default=4,
                    min=1,
                    max=256,
                    tooltip="Pictures drawn at a time. If memory runs out, it is halved.",
                ),
                io.Combo.Input(
                    "folder",
                    options=folder_choices(NO_FOLDER),
                    default=NO_FOLDER,
                    tooltip="Folder with class pictures of your own in ComfyUI's input folder; all "
                    "of them are used and none is drawn. none: the model draws them.",
                ),
            ],
            outputs=[
                ClassImagesType.Output(
                    "class_images", display_name="class_images", tooltip="For DreamBooth Train."
                ),
                io.Image.Output(
                    "preview", display_name="preview", tooltip="The first 64 class pictures."
                ),
                report_output("Number of pictures, drawn and used again, their folder, faults."),
            ],
            hidden=[io.Hidden.unique_id],
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
        model: Any,
        clip: Any,
        vae: Any,
        prompt: str,
        count: int,
        width: int,
        height: int,
        batch_size: int,
        folder: str,
        **sampling: Any,
    ) -> io.NodeOutput:
        from ....tipo_core.dreambooth.dataset.contact_sheet import contact_sheet
        from ....tipo_core.dreambooth.dataset.picture_fitting import Fitting
        from ....tipo_core.dreambooth.dataset.picture_folders import files_of_folder
        from ....tipo_core.dreambooth.dataset.subject_set import (
            SetSettings,
            pictures_of_folder,
            subject_set,
        )
        from .class_drawing import ClassSettings, draw_class

        fitting, path = Fitting(width, height), folder_of(folder)
        if path is not None:
            found = pictures_of_folder(files_of_folder(path), byte_progress())
            pictures, lines = subject_set(found, SetSettings(fitting, prompt), main_memory_free())
            shown = [one.content for one in pictures.pictures[:_MOST_SHOWN]]
        else:
            for name, known in sampler_choices().items():
                check_choice(name, sampling[name], known)
            settings = ClassSettings(prompt, width=width, height=height, **sampling)
            show_text = progress_text(cls)
            drawn = draw_class(
                model, clip, vae, settings, count, batch_size, show_text, _MOST_SHOWN
            )
            pictures, lines, shown = drawn.pictures, list(drawn.lines), list(drawn.shown)
        names = [one.name.rpartition("/")[2] for one in pictures.pictures[:_MOST_SHOWN]]
        report = "\n".join(lines)
        sheet = as_image(contact_sheet(shown, names))
        return io.NodeOutput(pictures, sheet, report, ui=ui.PreviewText(report))


NODES = [TipoClassImages]
