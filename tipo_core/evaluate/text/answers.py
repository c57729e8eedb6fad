"""Answers to measure: each request expanded as TIPO Expand does, or the answers of an earlier run.

A request goes through the splitter first, as with Split Tags and Caption in front of the node.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...expansion.expand import expand
from ...expansion.request import ExpansionRequest, LanguageModel
from ...expansion.tasks import Length
from ...lm.generate.completion import Completion, CompletionRequest, Generation, Result
from ...prompt import split_prompt
from ...surrogates import refuse_surrogates, shortened
from .text_requests import TextRequest, read_json_file, request_of

# The types of an answer's values in JSON, apart from its request.
_KINDS: Mapping[Any, str] = {
    int: "a whole number",
    str: "a text",
    list: "a list of texts",
    (int, float): "a number",
}
_ANSWER_TYPES: Mapping[str, Any] = {
    **{"seed": int, "tags": str, "caption": str, "added_tags": list, "added_caption": str},
    **{"whole_caption": str, "model_tags": str, "seconds": (int, float)},
}
_TAG_LINE = re.compile(r"^tag:(.*)", re.MULTILINE)


@dataclass(frozen=True)
class ExpandedText:
    """One expansion of a request.

    `tags` and `caption` are the parts of the request, verbatim; `added_tags` and `added_caption`
    are the additions, `whole_caption` is the caption of the result. `model_tags` is the first tag
    line that the model read, "" if it read none. `seconds` is the CPU time; 0 if unknown.
    """

    request: TextRequest
    seed: int
    tags: str
    caption: str
    added_tags: tuple[str, ...]
    added_caption: str
    whole_caption: str
    model_tags: str
    seconds: float = 0.0


class PromptRecorder:
    """A language model that keeps the prompts that another one reads."""

    def __init__(self, model: LanguageModel) -> None:
        self.prompts: list[str] = []
        self._model = model
        self.uses_pair_prior = getattr(model, "uses_pair_prior", False)

    def run(self, generations: Sequence[Generation[Result]]) -> list[Result]:
        """Run the generations with the other model."""
        return self._model.run([self._recorded(generation) for generation in generations])

    def _recorded(self, generation: Generation[Result]) -> Generation[Result]:
        completion: Completion | None = None
        try:
            while True:
                request: CompletionRequest = (
                    next(generation) if completion is None else generation.send(completion)
                )
                self.prompts.append(request.prompt)
                completion = yield request
        except StopIteration as done:
            result: Result = done.value
            return result


def expand_all(
    model: LanguageModel,
    requests: Sequence[TextRequest],
    length: Length,
    seeds: int,
    safe: bool,
    on_answer: Callable[[int], None] = lambda done: None,
) -> list[ExpandedText]:
    """Expand each request with the seeds 0 to `seeds` - 1, tags and caption at `length`."""
    answers: list[ExpandedText] = []
    for request in requests:
        split = split_prompt(request.text)
        plain = ExpansionRequest(
            tags=split.tags,
            caption=split.caption,
            tag_length=length,
            caption_length=length,
            safe=safe,
        )
        for seed in range(seeds):
            recorder = PromptRecorder(model)
            started = time.process_time()
            (result,) = expand(recorder, replace(plain, seed=seed))
            seconds = time.process_time() - started
            lines = (_TAG_LINE.search(prompt) for prompt in recorder.prompts[:1])
            answers.append(
                ExpandedText(
                    request=request,
                    seed=seed,
                    tags=split.tags,
                    caption=split.caption,
                    added_tags=result.added_tags,
                    added_caption=result.added_caption,
                    whole_caption=result.caption,
                    model_tags="".join(line[1].strip() for line in lines if line),
                    seconds=round(seconds, 4),
                )
            )
            on_answer(len(answers))
    return answers


def answers_json(answers: Sequence[ExpandedText]) -> list[dict[str, Any]]:
    """Return answers as JSON values, for `read_answers`."""
    return [asdict(answer) for answer in answers]


def read_answers(path: Path) -> list[ExpandedText]:
    """Read the answers in a report of `text --json`.

    Raises ValueError for another form; the error names the file and the entry.
    """
    report = read_json_file(path, "a report of `text --json`")
    entries = report.get("answers") if isinstance(report, Mapping) else None
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path} has no answers: give a report of `text --json`")
    return [_answer_of(entry, f"{path}, answer {n}", n) for n, entry in enumerate(entries, 1)]


def _answer_of(entry: Any, place: str, number: int) -> ExpandedText:
    values = dict(entry) if isinstance(entry, Mapping) else {}
    request = request_of(values.pop("request", None), place, number)
    for name, kind in _ANSWER_TYPES.items():
        value = values.get(name)
        if name in values and (not isinstance(value, kind) or isinstance(value, bool)):
            raise ValueError(f"{place}: {name} is {shortened(value)}: give {_KINDS[kind]}")
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                refuse_surrogates(f"{place}: {name}", text)
            elif isinstance(value, list):
                raise ValueError(f"{place}: {name} has {shortened(text)}: give a list of texts")
    try:
        values["added_tags"] = tuple(values["added_tags"])
        return ExpandedText(request=request, **values)
    except (TypeError, KeyError) as error:
        raise ValueError(f"{place} is incomplete ({error}): give a report of this version") from (
            error
        )
