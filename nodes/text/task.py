"""TIPO Single Task: one trained task of a TIPO model, its request and its answer."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...tipo_core.expansion.tasks import Length, Task, TranslationMode
from ...tipo_core.lm.generate.sampling_options import SamplingOptions
from ...tipo_core.lm.hub.catalog import NANO
from ..host_features import schema
from ..inputs import (
    ExpansionType,
    at_least_input,
    bans_input,
    escape_names_input,
    metadata_inputs,
    model_input,
    options_input,
    resolve_choices_input,
    text_box,
    text_output,
    text_seed_input,
    translation_input,
)
from ..memory import progress
from .shown_text import metadata_text, task_text

TASKS = [task.value or "tags" for task in Task]


class TipoTask(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoTask",
            display_name="TIPO Single Task",
            category="TIPO",
            search_aliases=["tags to caption", "caption to tags", "prompt enhance", "interrogate"],
            advanced=[
                "options",
                "ban_rules",
                "metadata",
                "gen_meta",
                "escape_names",
                "resolve_choices",
                "at_least",
                "translation",
            ],
            is_text_node=True,
            description="Runs one of the tasks that a TIPO model was trained for, such as a "
            "caption from tags. Your text is kept as typed and the model continues it.",
            inputs=[
                model_input(),
                io.Combo.Input(
                    "task",
                    options=TASKS,
                    default=TASKS[0],
                    tooltip="Source and result of the task: tags continues your tags, short_to_tag "
                    "writes tags from a short caption, and so on. The model starts to write at the "
                    "first empty field of the task, or continues the last one.",
                ),
                io.Combo.Input(
                    "length",
                    options=[length.value for length in Length],
                    default=Length.LONG.value,
                    tooltip="Largest number of tags / sentences in the result: very_short 18 / 2, "
                    "short 36 / 4, long 48 / 8, very_long 72 / 18. See at_least.",
                ),
                text_box("tags", "Your tags, separated by commas. May be empty."),
                text_box("short", "A short caption of one or two sentences. May be empty."),
                text_box("long", "A long caption. May be empty."),
                text_seed_input(),
                options_input("without it, the defaults of TIPO's authors apply."),
                bans_input(": tags that are never added."),
                *metadata_inputs(),
                escape_names_input(),
                resolve_choices_input(),
                at_least_input(),
                translation_input(),
            ],
            outputs=[
                text_output("whole_tags", "tags", "Your tags and the new tags."),
                text_output("whole_short", "short", "Your short caption and the text added to it."),
                text_output("whole_long", "long", "Your long caption and the text added to it."),
                text_output("added", "added", "Only the added text, one line per field."),
                text_output(
                    "proposed",
                    "proposed",
                    "Metadata that the model proposed with gen_meta, one 'key: value' per line.",
                ),
                text_output("request", "request", "The text that the model was given to continue."),
                ExpansionType.Output(
                    "expansion",
                    display_name="expansion",
                    tooltip="The result with all its parts, for TIPO Format and TIPO Fields.",
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
        resolve_choices: bool = False,
        at_least: bool = False,
        translation: str = TranslationMode.ADD_TAGS.value,
    ) -> io.NodeOutput:
        from ...tipo_core.expansion.format import parse_meta
        from ...tipo_core.expansion.json_form import (
            length_named,
            task_json,
            task_named,
            translation_named,
        )
        from ...tipo_core.expansion.task import TaskRequest, run_task, task_expansion

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
            resolve_choices=resolve_choices,
            at_least=at_least,
            translation=translation_named(translation),
        )
        result = run_task(model.ready(options or SamplingOptions()), request, progress())
        return io.NodeOutput(
            result.tags,
            result.short,
            result.long,
            "\n".join(text for text in result.added.values() if text),
            metadata_text(result.proposed),
            result.prompt,
            task_expansion(request, result),
            ui={"text": [task_text(request, result)], "tipo": [task_json(result)]},
        )


NODES = [TipoTask]
