"""The replacements of z-tipo's nodes: TIPO, TIPOOperation and TIPOFormat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..expansion.tasks import Task
from ..lm.hub.catalog import known_model
from ..prompt.bans.foreign_rules import read_rules
from ..prompt.template import FIELDS
from .old_nodes import TIPO, TIPO_FORMAT, TIPO_OPERATION
from .replacement import MAIN, Link, OldValues, Own, Replacement

_BANS_SYNTAX = "z-tipo"
_FIELD = re.compile(r"<\|([^|<>\r\n]*)\|>")
# Fields of z-tipo's templates that are made of several fields here.
_TEMPLATE_FIELDS = MappingProxyType({"tag": "<|user|>, <|added|>"})
UNFORMATTED = "<|user|>, <|added|>\n<|extended|>"
UNFORMATTED_YOURS = "<|user|>\n<|caption|>"
# The name of TIPO Single Task's default task.
_TAGS_ONLY = "tags"
# z-tipo offers two tasks that TIPO was not trained for, and names no task "None".
_UNTRAINED = MappingProxyType(
    {"tag_to_short": "tag_to_short_to_long", "tag_to_long_to_short": "tag_to_short_to_long"}
)
# The input of a task's middle field.
_CONTINUED = MappingProxyType({"short_to_tag_to_long": "tags", "tag_to_short_to_long": "nl_prompt"})
# The ranges of TIPO Expand's widgets, and those of TIPO Sampling Options.
_EXPAND_MOST: Mapping[str, float] = MappingProxyType(
    {"temperature": 2.0, "top_p": 1.0, "min_p": 1.0, "top_k": 1000}
)
_OPTIONS_MOST: Mapping[str, float] = MappingProxyType(
    {"temperature": 10.0, "top_p": 1.0, "min_p": 1.0, "top_k": 100_000}
)
_SEEDS = 1 << 64
_MOST_PIXELS = 1 << 31
# Values of TIPO Expand and TIPO Single Task that keep the behaviour of z-tipo: it draws until the
# length is reached, and reads no dictionary.
AS_BEFORE: Mapping[str, Any] = MappingProxyType({"at_least": True, "translation": "off"})


def replace_tipo(old: OldValues) -> Replacement:
    """Return TIPO Expand with its model, and TIPO Format for the outputs that need it."""
    made = Replacement()
    inputs = {
        "model": Own("model", "model"),
        "tags": old["tags"],
        "caption": old["nl_prompt"],
        "tag_length": old["tag_length"],
        "caption_length": _caption_length(old, made),
        "seed": seed_of(old, made),
        "template": template_of(old["format"], made),
        **AS_BEFORE,
    }
    main = made.add(MAIN, "TipoExpand", **inputs)
    main.control = control_of(old)
    add_model(old, made)
    if not _fits(old, _EXPAND_MOST):
        add_options(old, made)
    else:
        main.inputs |= {name: sampling_value(old, name, made) for name in _EXPAND_MOST}
    add_bans(old, made, _BANS_SYNTAX, "ban_tags", has_text_box=True)
    add_metadata(old, made)
    _add_formats(old.used, made, Own(MAIN, "expansion"), Own(MAIN, "expansion"), old["format"])
    made.widgets |= {
        name: (MAIN, new)
        for name, new in (
            *((one, one) for one in ("tags", "tag_length", "seed")),
            *(("nl_prompt", "caption"), ("nl_length", "caption_length"), ("format", "template")),
        )
    }
    made.widgets.update(_sampling_widgets(made))
    return made


def replace_operation(old: OldValues) -> Replacement:
    """Return TIPO Single Task with its model, sampling options and bans."""
    made = Replacement()
    operation = old.fixed("operation", made, "None")
    task = _UNTRAINED.get(operation, _TAGS_ONLY if operation == "None" else operation)
    if operation in _UNTRAINED:
        made.lose(
            f"the operation {operation!r} is no task of TIPO's training; {task} takes its place"
        )
    elif task != _TAGS_ONLY and task not in {one.value for one in Task}:
        made.lose(f"the operation {operation!r} is unknown; {_TAGS_ONLY} takes its place")
        task = _TAGS_ONLY
    is_of_tags = operation == "None" or operation.endswith("to_tag")
    length, unused = ("tag_length", "nl_length") if is_of_tags else ("nl_length", "tag_length")
    if old.is_link(unused):
        made.note(f"the link to {unused} is removed: the operation does not read it")
    caption = "short" if "short" in task else "long"
    main = made.add(
        MAIN,
        "TipoTask",
        model=Own("model", "model"),
        task=task,
        length=old[length],
        tags=old["tags"],
        **{caption: old["nl_prompt"]},
        seed=seed_of(old, made),
        **AS_BEFORE,
    )
    main.control = control_of(old)
    middle = _CONTINUED.get(task)
    if middle and old[middle] not in ("", None):
        made.lose(f"z-tipo goes on with {middle} before the long caption; {task} keeps it as typed")
    add_model(old, made)
    add_options(old, made)
    add_bans(old, made, _BANS_SYNTAX, "ban_tags", has_text_box=False)
    add_metadata(old, made)
    for name in TIPO_OPERATION.outputs:
        made.outputs[name] = Own(MAIN, "expansion")
    made.widgets |= {"tags": (MAIN, "tags"), "nl_prompt": (MAIN, caption), "seed": (MAIN, "seed")}
    made.widgets[length] = (MAIN, "length")
    made.widgets["operation"] = (MAIN, "task")
    made.widgets.update(_sampling_widgets(made))
    return made


def replace_format(old: OldValues) -> Replacement:
    """Return a TIPO Format for each output in use, at least one for the prompt."""
    made = Replacement()
    full, addon = old["full_output"], old["addon_output"]
    made.add(
        MAIN,
        "TipoFormat",
        expansion=full,
        preset="custom",
        template=template_of(old["format"], made),
    )
    made.outputs["prompt"] = Own(MAIN, "prompt")
    _add_formats(old.used, made, full, addon, old["format"])
    made.widgets["format"] = (MAIN, "template")
    return made


def _add_formats(used: Any, made: Replacement, full: Any, addon: Any, form: Any) -> None:
    """Add the outputs of TIPO and TIPOFormat; `full` and `addon` are expansions."""
    made.outputs.setdefault("prompt", Own(MAIN, "prompt"))
    template = made.nodes[MAIN].inputs["template"]
    for name, source, text, part in (
        ("user_prompt", addon, template, "yours"),
        ("unformatted_prompt", addon, UNFORMATTED, "whole"),
        ("unformatted_user_prompt", addon, UNFORMATTED_YOURS, "yours"),
    ):
        if name in used:
            values = {"expansion": source, "preset": "custom", "template": text, "part": part}
            made.add(name, "TipoFormat", **values)
            made.outputs[name] = Own(name, "prompt")


def _caption_length(old: OldValues, made: Replacement) -> Any:
    """Return the length of the caption: z-tipo writes none that its template does not show."""
    form, caption = old["format"], old["nl_prompt"]
    has_generated = isinstance(form, str) and "<|generated|>" in form
    has_caption = not isinstance(caption, str) or bool(caption.strip())
    is_shown = not isinstance(form, str) or "<|extended|>" in form or has_generated
    if not has_caption and not is_shown:
        made.note("no caption is written, because the template shows none")
        if old.is_link("nl_length"):
            made.note("the link to nl_length is removed: no caption is written")
        return "none"
    if has_generated and has_caption:
        made.lose("no second caption is written beside yours: <|generated|> stays empty")
    elif has_generated and "<|extended|>" in form:
        made.lose("one caption is written, not two: <|extended|> stays empty beside <|generated|>")
    return old["nl_length"]


def template_of(form: Any, made: Replacement) -> Any:
    """Return a template with the fields that this pack knows; z-tipo drops the others too."""
    if isinstance(form, Link):
        return form
    unknown = [name for name in _FIELD.findall(form) if name not in (*FIELDS, *_TEMPLATE_FIELDS)]
    if unknown:
        shown = ", ".join(f"<|{name}|>" for name in dict.fromkeys(unknown))
        made.lose(f"the template's {shown} is no field and is left out")

    def own(match: re.Match[str]) -> str:
        name = match[1]
        return _TEMPLATE_FIELDS.get(name, match[0] if name in FIELDS else "")

    return _FIELD.sub(own, form)


def add_model(old: OldValues, made: Replacement) -> None:
    """Add Load TIPO Model with the model and the device of z-tipo's node."""
    named = old.fixed("tipo_model", made, TIPO.inputs["tipo_model"].default)
    device = old.fixed("device", made, "cuda")
    device = "cpu" if device == "cpu" else "auto"
    made.add("model", "TipoLoadModel", model=model_name(named, made), device=device)
    made.widgets |= {"tipo_model": ("model", "model"), "device": ("model", "device")}


def model_name(named: str, made: Replacement) -> str:
    """Return the name that Load TIPO Model has for `repository | file` or `repository`."""
    repository, _, file = (part.strip() for part in named.partition(" | "))
    name = repository.rpartition("/")[2]
    known = known_model(name)
    if known and file in ("", known.gguf):
        return name
    if file:  # as z-tipo calls the file that it downloads
        return f"{name}_{file}"
    made.lose(f"the model {named!r} is no published TIPO model: choose one in Load TIPO Model")
    return name


def seed_of(old: OldValues, made: Replacement) -> Any:
    """Return the seed; z-tipo draws a new one for 0."""
    seed = old["seed"]
    if isinstance(seed, Link):
        return seed
    seed = int(seed)
    if not 0 <= seed < _SEEDS:
        made.lose(f"the seed {seed} is out of range and is now {seed % _SEEDS}")
        return seed % _SEEDS
    if seed == 0 and not old.in_page:
        made.lose("the seed 0 gave another text in each run; here it is a seed like any other")
    elif seed == 0:
        made.note("the seed 0 gave another text in each run; it is now changed after each run")
    return seed


def control_of(old: OldValues) -> str | None:
    """Return the control of the seed."""
    return "randomize" if not old.is_link("seed") and old["seed"] == 0 else old.control


def _fits(old: OldValues, most: Mapping[str, float]) -> bool:
    return all(old.is_link(name) or 0 <= old[name] <= most[name] for name in most)


def sampling_value(old: OldValues, name: str, made: Replacement) -> Any:
    """Return a sampling value within the ranges of TIPO Sampling Options."""
    value = old[name]
    if isinstance(value, Link):
        return value
    inside = min(max(value, 0), _OPTIONS_MOST[name])
    # A probability above 1 draws from all words, as 1 does; a negative one from all, as 0 does.
    if inside != value and name in ("temperature", "top_k"):
        made.lose(f"{name} {value} is out of range and is now {inside}")
    return int(inside) if name == "top_k" else inside


def add_options(old: OldValues, made: Replacement, **others: Any) -> None:
    """Add TIPO Sampling Options with the values of the old node."""
    values = {name: sampling_value(old, name, made) for name in _OPTIONS_MOST if name not in others}
    made.add("options", "TipoOptions", **{**values, **others})
    made.nodes[MAIN].inputs["options"] = Own("options", "options")


def _sampling_widgets(made: Replacement) -> dict[str, tuple[str, str]]:
    node = "options" if "options" in made.nodes else MAIN
    return {name: (node, name) for name in _OPTIONS_MOST}


def add_bans(
    old: OldValues, made: Replacement, syntax: str, name: str, *, has_text_box: bool
) -> None:
    """Add the bans: in the text box of the main node, or as TIPO Ban Rules."""
    text = old[name]
    if isinstance(text, Link):
        made.add("bans", "TipoBans", rules=text, try_on="", syntax=syntax)
        made.nodes[MAIN].inputs["ban_rules"] = Own("bans", "bans")
        made.widgets[name] = ("bans", "rules")
        return
    read = read_rules(text, syntax)
    for problem in read.problems:
        made.lose(problem)
    if has_text_box:
        made.nodes[MAIN].inputs["bans"] = read.rules
        made.widgets[name] = (MAIN, "bans")
    elif read.rules:
        made.add("bans", "TipoBans", rules=read.rules, try_on="")
        made.nodes[MAIN].inputs["ban_rules"] = Own("bans", "bans")
        made.widgets[name] = ("bans", "rules")


def add_metadata(old: OldValues, made: Replacement, **fields: Any) -> None:
    """Add the aspect ratio and the metadata `fields`: as text, or as TIPO Metadata for links."""
    given = {name: value for name, value in fields.items() if value not in ("", None)}
    if any(isinstance(value, Link) for value in (old["width"], old["height"], *given.values())):
        made.add("metadata", "TipoMetadata", **given, width=old["width"], height=old["height"])
        made.nodes[MAIN].inputs["metadata"] = Own("metadata", "metadata")
        made.widgets |= {name: ("metadata", name) for name in ("width", "height")}
        return
    lines = [f"{name}: {value}" for name, value in given.items()]
    width, height = old["width"], old["height"]
    if 0 < width <= _MOST_PIXELS and 0 < height <= _MOST_PIXELS:
        lines.append(f"aspect ratio: {width / height:.1f}")
    else:
        made.lose(f"a picture of {width} x {height} has no aspect ratio")
    made.nodes[MAIN].inputs["metadata"] = "\n".join(lines)


REPLACEMENTS = MappingProxyType(
    {
        TIPO.class_type: replace_tipo,
        TIPO_OPERATION.class_type: replace_operation,
        TIPO_FORMAT.class_type: replace_format,
    }
)
