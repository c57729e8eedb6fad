"""Load LoRAs from Prompt: the LoRAs that a prompt names, and the prompt without their tags."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui

from ...tipo_core.pictures.loras.lora_report import lora_lines
from ...tipo_core.pictures.loras.lora_schedule import lora_uses
from ...tipo_core.pictures.loras.lora_tags import PromptTags, prompt_tags
from ...tipo_core.pictures.loras.tag_removal import without_tags
from ..fingerprint import state_of
from ..host_features import schema
from ..inputs import check_choice, report_output, text_output
from ..memory import read_text
from .lora_files import ERROR, SKIP, FoundLoras, find_loras, listed_loras, lora_path
from .lora_patches import apply_loras

MODEL_FIRST, CLIP_FIRST = "model:clip", "clip:model (A1111)"


class TipoLoraPrompt(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoLoraPrompt",
            display_name="Load LoRAs from Prompt",
            category="TIPO/conditioning",
            search_aliases=["lora loader", "lora tag", "a1111 lora", "lora schedule", "lyco"],
            advanced=["missing", "weight_order", "schedule_steps"],
            shows_report=True,
            description="Applies the LoRAs that a prompt names, such as <lora:style:0.8>, to the "
            "model and the text encoder, and gives the prompt without the tags.",
            inputs=[
                io.Model.Input("model", tooltip="Diffusion model; it is not changed."),
                io.Clip.Input(
                    "clip",
                    optional=True,
                    tooltip="Text encoder of the model. Needed for the weights of the text encoder "
                    "and for LoRAs in a schedule.",
                ),
                io.String.Input(
                    "text",
                    multiline=True,
                    dynamic_prompts=True,
                    tooltip="Prompt with tags: <lora:name>, <lora:name:0.8>, "
                    "<lora:name:0.8:0.5> or <lora:name:te=0.5:unet=1>. The name is that of the "
                    "file in models/loras, without ending; the folder may be left out. "
                    "[<lora:name:1>::0.5] applies it in the first half of the schedule.",
                ),
                io.Combo.Input(
                    "missing",
                    options=[ERROR, SKIP],
                    default=ERROR,
                    optional=True,
                    tooltip="Names without a file: error stops the run before it starts, skip "
                    "leaves them out and says so in the report.",
                ),
                io.Combo.Input(
                    "weight_order",
                    options=[MODEL_FIRST, CLIP_FIRST],
                    default=MODEL_FIRST,
                    optional=True,
                    tooltip="Meaning of the two numbers in <lora:name:0.8:0.5>. A1111 writes the "
                    "text encoder's weight first.",
                ),
                io.Int.Input(
                    "schedule_steps",
                    default=20,
                    min=1,
                    max=10000,
                    optional=True,
                    tooltip="Steps of the sampler. Used for LoRAs in a schedule, such as "
                    "[<lora:name:1>::8]; Sampler (CFG / Denoise) uses its own steps.",
                ),
            ],
            outputs=[
                io.Model.Output("patched_model", display_name="model", tooltip="For a sampler."),
                io.Clip.Output(
                    "patched_clip",
                    display_name="clip",
                    tooltip="For the text encoders of the prompt and of the negative prompt. LoRAs "
                    "in a schedule reach the sampler through its conditioning.",
                ),
                text_output("prompt", "text", "The prompt without the tags."),
                report_output("Files, weights, times and keys of each LoRA, and problems."),
                io.Hooks.Output(
                    "hooks",
                    display_name="hooks",
                    tooltip="The LoRAs in a schedule as hooks, for core's nodes. They are on clip "
                    "already. Empty without a schedule.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(
        cls, text: str | None = None, missing: str | None = None, weight_order: str | None = None
    ) -> bool:
        """Check the tags when the graph is queued, before a model is loaded.

        Raises ValueError: ComfyUI repeats a problem that is returned for each of these inputs.
        """
        # A linked text is None here; its tags are checked when the node runs.
        if text is not None:
            _find(text, missing or ERROR, weight_order or MODEL_FIRST)
        return True

    @classmethod
    def fingerprint_inputs(
        cls,
        text: str | None = None,
        missing: str = ERROR,
        weight_order: str = MODEL_FIRST,
        **others: Any,
    ) -> object:
        try:
            if text is None:  # linked: any file may be named
                return state_of(map(lora_path, listed_loras()))
            return state_of(_find(text, SKIP, weight_order)[1].paths)
        except (ValueError, OSError):
            return ""

    @classmethod
    def execute(
        cls,
        model: Any,
        text: str,
        clip: Any = None,
        missing: str = ERROR,
        weight_order: str = MODEL_FIRST,
        schedule_steps: int = 20,
    ) -> io.NodeOutput:
        tags, found = read_text(lambda: _find(text, missing, weight_order), text)
        uses = read_text(
            lambda: lora_uses(
                text,
                tags.loras,
                found.file_of,
                schedule_steps,
                clip_first=weight_order == CLIP_FIRST,
            ),
            text,
        )
        prompt = read_text(lambda: without_tags(text), text)
        patched = apply_loras(model, clip, uses)
        report = "\n".join(lora_lines(patched.applied, tags, found.notes))
        return io.NodeOutput(
            patched.model,
            patched.clip,
            prompt,
            report,
            patched.hooks,
            ui=ui.PreviewText(report),
        )


def _find(text: str, missing: str, weight_order: str) -> tuple[PromptTags, FoundLoras]:
    """Return the tags of a prompt and their files. Raises ValueError for an unknown option."""
    check_choice("missing", missing, (ERROR, SKIP))
    check_choice("weight_order", weight_order, (MODEL_FIRST, CLIP_FIRST))
    tags = prompt_tags(text, clip_first=weight_order == CLIP_FIRST)
    return tags, find_loras(tags.loras, missing)


NODES = [TipoLoraPrompt]
