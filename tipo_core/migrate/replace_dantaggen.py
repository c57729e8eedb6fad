"""The replacement of DanTagGen's node."""

from __future__ import annotations

from typing import Any

from ..lm.hub.catalog import NANO
from ..prompt.vocabulary.tags import Category, category
from .replace_tipo import AS_BEFORE, add_bans, add_metadata, add_options
from .replacement import MAIN, Link, OldValues, Own, Replacement

# The parts of the prompt in their order.
_PARTS = ("special_tags", "characters", "copyrights", "artist", "general")
_CATEGORIES = (
    ("artist", Category.ARTIST),
    ("characters", Category.CHARACTERS),
    ("copyrights", Category.COPYRIGHTS),
)
# DanTagGen's own values: `top_p`, `top_k`, no penalty, and 256 tokens an answer.
_SAMPLING = {
    "top_p": 0.95,
    "min_p": 0.0,
    "top_k": 100,
    "repetition_penalty": 1.0,
    "max_new_tokens": 256,
}
_TEMPLATE = "<|user|>, <|added|>,\n\nmasterpiece, newest, absurdres, "


def replace_dantaggen(old: OldValues, model: str = NANO) -> Replacement:
    """Return TIPO Expand for tags alone; `model` runs in place of DanTagGen's."""
    made = Replacement()
    rating = old.fixed("rating", made, "safe")
    named = old.fixed("model", made, "DanTagGen")
    made.lose(
        f"{named} reads another prompt format than TIPO: {model} runs in its place, choose a model "
        "in Load TIPO Model"
    )
    if not old.in_page:
        made.lose("DanTagGen draws another text in each run; here the seed 0 gives one text")
    else:
        made.note("DanTagGen draws another text in each run: the seed is changed after each run")
    made.note(
        "tag_length counts up to 18, 36, 48 and 72 tags, DanTagGen's target 10, 20, 40 and 60"
    )
    main = made.add(
        MAIN,
        "TipoExpand",
        model=Own("model", "model"),
        tags=_tags(old, made),
        caption="",
        tag_length=old["target"],
        caption_length="none",
        seed=0,
        template=_TEMPLATE + rating,
        escape_names=old["escape_bracket"],
        **AS_BEFORE,
    )
    main.control = "randomize"
    made.add("model", "TipoLoadModel", model=model)
    add_options(old, made, **_SAMPLING)
    add_bans(old, made, "DanTagGen", "blacklist", has_text_box=True)
    add_metadata(old, made, rating=rating, **_names(old))
    made.outputs["output"] = Own(MAIN, "prompt")
    if "llm_output" in old.used:
        made.lose("llm_output has no equal: its links lead to the tags of TIPO Expand")
        made.outputs["llm_output"] = Own(MAIN, "tags")
    made.widgets |= {
        "target": (MAIN, "tag_length"),
        "escape_bracket": (MAIN, "escape_names"),
        "temperature": ("options", "temperature"),
    }
    return made


def _tags(old: OldValues, made: Replacement) -> Any:
    """Return the tags of all parts: a text, or a chain of core's nodes that joins linked texts."""
    parts: list[Any] = []
    for name in _PARTS:
        value = old[name]
        text = value if isinstance(value, Link) else value.strip().strip(",").strip()
        if isinstance(text, str) and parts and isinstance(parts[-1], str):
            parts[-1] = ", ".join(filter(None, (parts[-1], text)))
        elif text:
            parts.append(text)
    if not parts:
        return ""
    joined = parts[0]
    for number, part in enumerate(parts[1:]):
        key = f"tags {number + 1}"
        made.add(key, "StringConcatenate", string_a=joined, string_b=part, delimiter=", ")
        joined = Own(key, "STRING")
    if len(parts) > 1:
        made.note("linked tags are joined by Concatenate: an empty one leaves a comma")
    return joined


def _names(old: OldValues) -> dict[str, Any]:
    """Return the names that the tags alone do not tell the model: linked and unknown ones."""
    names: dict[str, Any] = {}
    for field, kind in _CATEGORIES:
        value = old[field]
        if isinstance(value, Link):
            names[field] = value
            continue
        tags = [tag.strip().replace("_", " ") for tag in value.split(",")]
        names[field] = ", ".join(tag for tag in tags if tag and category(tag) is not kind)
    return names
