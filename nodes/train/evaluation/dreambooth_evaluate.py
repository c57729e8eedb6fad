"""DreamBooth Evaluate: is the subject in the drawn pictures, and are the prompts obeyed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from comfy_api.latest import io, ui

from ....tipo_core.dreambooth.dataset.rare_tokens import without_token
from ....tipo_core.report_lines import warnings_of
from ...host_features import schema
from ...inputs import DatasetType, report_output, text_box, text_output
from ..dataset.picture_sources import as_image


def _encoder(name: str, tooltip: str) -> io.Input:
    return io.ClipVision.Input(name, optional=True, tooltip=tooltip)


class TipoDreamBoothEvaluate(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoDreamBoothEvaluate",
            display_name="DreamBooth Evaluate",
            category="TIPO/training",
            search_aliases=["dreambooth", "dino", "clip score", "clip-i", "clip-t", "fidelity"],
            shows_report=True,
            is_output_node=True,
            is_input_list=True,
            description="Measures pictures of a taught subject as the DreamBooth paper does: "
            "likeness to the real pictures (DINO, CLIP-I), to the prompts (CLIP-T), whether the "
            "class still has its own look, and diversity.",
            inputs=[
                DatasetType.Input(
                    "dataset", tooltip="The real pictures of the subject, from DreamBooth Dataset."
                ),
                io.Image.Input(
                    "images",
                    tooltip="Pictures of the subject that the trained model drew. The pictures of "
                    "a list are measured together.",
                ),
                text_box(
                    "prompts",
                    "Prompts of the pictures in their order, one per line: a line for each "
                    "picture, or lines that made the same number of pictures each.",
                ),
                _encoder(
                    "dino",
                    "DINO encoder from Load CLIP Vision (DINOv2 large or giant): the subject's "
                    "fidelity, prior preservation and diversity.",
                ),
                _encoder(
                    "clip_vision",
                    "CLIP's picture encoder from Load CLIP Vision: CLIP-I, and CLIP-T with clip. "
                    "It takes the place of dino where none is connected.",
                ),
                io.Clip.Input(
                    "clip",
                    optional=True,
                    tooltip="CLIP's text encoder with its projection, the other half of "
                    "clip_vision: CLIP-T. Not the trained one.",
                ),
                io.Image.Input(
                    "class_images",
                    optional=True,
                    tooltip="Pictures of the class that the trained model drew: they should not "
                    "look like the subject.",
                ),
                io.Image.Input(
                    "class_before",
                    optional=True,
                    tooltip="Pictures of the class that the untrained model drew, to compare with.",
                ),
            ],
            outputs=[
                text_output(
                    "scores", "scores", "All values, intervals and counts as one JSON object."
                ),
                io.Image.Output(
                    "sheet",
                    display_name="sheet",
                    tooltip="The drawn pictures with their likeness to the real ones, the best "
                    "first.",
                ),
                report_output("The measures with their 95 % intervals."),
            ],
        )

    @classmethod
    def execute(
        cls,
        dataset: Sequence[Any],
        images: Sequence[torch.Tensor],
        prompts: Sequence[str],
        dino: Sequence[Any] = (None,),
        clip_vision: Sequence[Any] = (None,),
        clip: Sequence[Any] = (None,),
        class_images: Sequence[torch.Tensor | None] = (None,),
        class_before: Sequence[torch.Tensor | None] = (None,),
    ) -> io.NodeOutput:
        from ....tipo_core.dreambooth.dataset.contact_sheet import contact_sheet, left_out
        from ....tipo_core.evaluate.subject.prompt_groups import prompt_groups
        from ....tipo_core.evaluate.subject.score_report import score_lines
        from .measured_subject import Encoders, Pictures, measured_scores

        subject = dataset[0]
        drawn = _pictures(images)
        groups = prompt_groups("\n".join(prompts), len(drawn))
        # The class in place of the token, which means nothing to CLIP.
        plain = tuple(without_token(prompt, subject.token) for prompt in groups.prompts)
        pictures = Pictures(
            drawn,
            [one.content for one in subject.pictures],
            _pictures(class_images),
            _pictures(class_before),
        )
        encoders = Encoders(dino[0], clip_vision[0], clip[0])
        scores, notes = measured_scores(pictures, groups, plain, encoders)
        fidelity = scores.dino or scores.clip_i
        assert fidelity is not None
        order = sorted(range(len(drawn)), key=lambda n: -fidelity.by_picture[n])
        names = [
            f"{fidelity.by_picture[n]:.3f} {groups.prompts[groups.prompt_of[n]]}" for n in order
        ]
        sheet = contact_sheet([drawn[n] for n in order], names)
        rest = [line for line in (left_out(len(drawn)),) if line]
        report = "\n".join(score_lines(scores, [*warnings_of(notes), *rest]))
        answer = json.dumps(scores.as_json(), ensure_ascii=False)
        return io.NodeOutput(answer, as_image(sheet), report, ui=ui.PreviewText(report))


def _pictures(batches: Sequence[torch.Tensor | None]) -> list[torch.Tensor]:
    """Return the pictures (`H, W, 3`) of all batches of a list."""
    return [
        picture[..., :3].float().cpu()
        for batch in batches
        if batch is not None
        for picture in batch
    ]


NODES = [TipoDreamBoothEvaluate]
