"""Answers written by hand, with known faults."""

from __future__ import annotations

from tipo_core.evaluate.text.answers import ExpandedText
from tipo_core.evaluate.text.text_requests import TextRequest
from tipo_core.prompt import split_prompt


def answer(
    text: str,
    added: str = "",
    added_caption: str = "",
    *,
    whole: str | None = None,
    kind: str = "",
    persons: list[str] | None = None,
    model_tags: str | None = None,
    seed: int = 0,
) -> ExpandedText:
    """Return the answer to a request; `whole` is the caption of the result.

    The model read the typed tags unless `model_tags` says otherwise.
    """
    split = split_prompt(text)
    between = " " if split.caption and added_caption else ""
    return ExpandedText(
        request=TextRequest(text, kind or text, None if persons is None else tuple(persons)),
        seed=seed,
        tags=split.tags,
        caption=split.caption,
        added_tags=tuple(tag.strip() for tag in added.split(",") if tag.strip()),
        added_caption=added_caption,
        whole_caption=split.caption + between + added_caption if whole is None else whole,
        model_tags=split.tags if model_tags is None else model_tags,
    )
