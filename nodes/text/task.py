"""TIPO Single Task: one trained task of a TIPO model, its request and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ...tipo_core.expansion.tasks import Field, Length, Task
from ...tipo_core.lm.generate.token_sampling import SamplingOptions
from ..host_features import schema
from ..memory import NANO, progress
from ..models import TipoModel
from .bans import BansType
from .expand import ban_notes, meta_lines, proposal, short_of
from .options import OptionsType

if TYPE_CHECKING:
    from ...tipo_core.expansion.task import TaskRequest, TaskResult

TASKS = [task.value or "tags" for task in Task]
NAMES = {Field.TAG: "tags", Field.SHORT: "short", Field.LONG: "long"}


def shown_text(request: TaskRequest, result: TaskResult) -> str:
    """Return what the node shows: each field of the task, and what fell short of its length."""
    texts = {Field.TAG: result.tags, Field.SHORT: result.short, Field.LONG: result.long}
    lines = [f"{NAMES[field]}: {texts[field]}" for field in request.task.fields]
    for field, one in result.results.items():
        # No class was trained for a short caption, nor for the long one of short_to_long.
        if field is Field.TAG or (field is Field.LONG and request.task.has_length):
            length = request.length
            span = length.tags if field is Field.TAG else length.sentences
            lines += short_of(NAMES[field], span, one)
    return "\n".join([*lines, *ban_notes(result.banned), *proposal(result.proposed)])


class TipoTask(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoTask",
            display_name="TIPO Single Task",
            category="TIPO",
            search_aliases=["tags to caption", "caption to tags", "prompt enhance", "interrogate"],
            advanced=["options", "ban_rules", "metadata", "gen_meta", "escape_names"],
            is_text_node=True,
            description="Asks a TIPO model for one of the tasks that it was trained for, such as a "
            "caption from tags. What you typed is kept; the model goes on behind it.",
            inputs=[
                TipoModel.Input("model", tooltip="Language model from Load TIPO Model."),
                io.Combo.Input(
                    "task",
                    options=TASKS,
                    default=TASKS[0],
                    tooltip="What is made from what: tags only continues your tags, short_to_tag "
                    "makes tags from a short caption, and so on. The first of these fields that "
                    "is empty, or the last one, is where the model begins to write.",
                ),
                io.Combo.Input(
                    "length",
                    options=[length.value for length in Length],
                    default=Length.LONG.value,
                    tooltip="How many tags / sentences the result has: very_short 6-18 / 1-2, "
                    "short 18-36 / 2-4, long 36-48 / 4-8, very_long 48-72 / 8-18.",
                ),
                io.String.Input(
                    "tags",
                    default="",
                    multiline=True,
                    tooltip="Your tags, with commas between them. May be empty.",
                ),
                io.String.Input(
                    "short",
                    default="",
                    multiline=True,
                    tooltip="A short caption, one sentence or two. May be empty.",
                ),
                io.String.Input(
                    "long",
                    default="",
                    multiline=True,
                    tooltip="A long caption. May be empty.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=True,
                    tooltip="The same inputs and seed give the same text; 0 is a seed like any "
                    "other.",
                ),
                OptionsType.Input(
                    "options",
                    optional=True,
                    tooltip="From TIPO Sampling Options; without it the values of TIPO's authors.",
                ),
                BansType.Input(
                    "ban_rules",
                    optional=True,
                    tooltip="From TIPO Ban Rules: what is never added.",
                ),
                io.String.Input(
                    "metadata",
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip="What the model is told about the picture, a line 'key: value' each: "
                    "rating, artist, characters, copyrights, quality, meta, aspect ratio.",
                ),
                io.Boolean.Input(
                    "gen_meta",
                    default=False,
                    optional=True,
                    tooltip="Let the model propose the metadata that is not given.",
                ),
                io.Boolean.Input(
                    "escape_names",
                    default=True,
                    optional=True,
                    tooltip="Write hatsune miku (append) with \\( and \\), because ComfyUI would "
                    "read the parentheses of a name as a weight. Off: your text to the letter.",
                ),
            ],
            outputs=[
                io.String.Output(
                    "whole_tags", display_name="tags", tooltip="Your tags and the new ones."
                ),
                io.String.Output(
                    "whole_short",
                    display_name="short",
                    tooltip="Your short caption and what was added to it.",
                ),
                io.String.Output(
                    "whole_long",
                    display_name="long",
                    tooltip="Your long caption and what was added to it.",
                ),
                io.String.Output(
                    "added",
                    display_name="added",
                    tooltip="Only what was added, a line for each field.",
                ),
                io.String.Output(
                    "proposed",
                    display_name="proposed",
                    tooltip="Metadata that the model proposed with gen_meta, a line 'key: value' "
                    "each.",
                ),
                io.String.Output(
                    "request",
                    display_name="request",
                    tooltip="The text that the model was given to continue.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        task: str,
        length: str,
        tags: str,
        short: str,
        long: str,
        seed: int,
        options: SamplingOptions | None = None,
        ban_rules: str | None = None,
        metadata: str = "",
        gen_meta: bool = False,
        escape_names: bool = True,
    ) -> io.NodeOutput:
        from ...tipo_core.expansion.format import parse_meta
        from ...tipo_core.expansion.json_form import length_named, task_json, task_named
        from ...tipo_core.expansion.task import TaskRequest, run_task

        request = TaskRequest(
            task=task_named(task),
            length=length_named(length),
            tags=tags,
            short=short,
            long=long,
            meta=parse_meta(metadata),
            gen_meta=gen_meta,
            bans=ban_rules or "",
            seed=seed,
            escape_names=escape_names,
            safe=model.name == NANO,
        )
        result = run_task(model.ready(options or SamplingOptions()), request, progress())
        return io.NodeOutput(
            result.tags,
            result.short,
            result.long,
            "\n".join(text for text in result.added.values() if text),
            meta_lines(result.proposed),
            result.prompt,
            ui={"text": [shown_text(request, result)], "tipo": [task_json(result)]},
        )


NODES = [TipoTask]
