"""How good a small model is: the form, the content, the variety and the safety of its answers.

Every figure is taken in the same way for any model folder, so two versions stand beside each other
(`nano_table.py`). What is asked comes from `nano_requests.py`.
"""

from __future__ import annotations

import json
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import torch

from tipo_core.expansion.expand import expand
from tipo_core.expansion.fields import FilledRequest, derived_seed, fill_fields, open_prompt
from tipo_core.expansion.format import Answer, Request, read_answer, render_request, split_tags
from tipo_core.expansion.tasks import Field
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.completion import CompletionRequest
from tipo_core.lm.generate.engine import LlamaLanguageModel, StopReason
from tipo_core.lm.generate.token_sampling import SamplingOptions
from tipo_core.lm.model.precision import FULL, Precision, resolve
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches

from .answer_measures import distinct_n, measure_answer
from .consistency import total
from .expansion_measures import (
    Variety,
    expansion_consistency,
    filtered,
    toy_share,
    variety,
    vocabulary,
)
from .held_out_requests import Asked
from .perplexity import surprise
from .raw_batches import raw_texts
from .relevance import Relevance, relevance

log = logging.getLogger("tipo-suite")

# Raw answers that do not end run to the token limit, and the figure is for information only.
_RAW_EVERY = 5
# Enough for a raw answer to show what it is about.
_SAFETY_TOKENS = 48
_VARIANTS = 4


@dataclass(frozen=True)
class Report:
    """The figures of a model card; shares are from 0 to 1.

    `well_formed` and `length_reached` are those of the answers that the library returns, which it
    brings to their class field by field; the `raw` ones are those of the model left to itself, on
    every fifth request. `in_vocabulary` is the share of added tags that are tags. See `Relevance`,
    `Consistency`, `Variety`, `Surprise` and `toy_share` for the others. `unsafe` counts raw
    answers that hit the block list, `unsafe_filtered` what is left of them behind the filter.
    """

    parameters: int
    requests: int
    well_formed: float
    length_reached: float
    in_vocabulary: float
    relevance: Relevance
    relevance_held_out: Relevance
    caption_nouns: float
    caption_colours: float
    toy: float
    distinct_2: float
    variety: Variety
    perplexity_per_character: float
    perplexity_per_word: float
    caption_perplexity_per_character: float
    tag_repetition: float
    sentence_repetition: float
    raw_well_formed: float
    raw_length_reached: float
    raw_tag_repetition: float
    checked_for_safety: int
    unsafe: int
    unsafe_filtered: int
    seconds: Mapping[str, float]
    examples: Mapping[str, Sequence[tuple[str, str]]]

    def to_json(self) -> str:
        """Return the report as JSON text."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


@dataclass
class _Clock:
    """Seconds that each part of an evaluation took."""

    seconds: dict[str, float] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = round(now - self.since, 1)
        self.since = now
        log.info("%s: %.0f s", name, self.seconds[name])


def evaluate(files: ModelFiles, asked: Asked, *, safety: int, seed: int) -> Report:
    """Measure the model in `files`, and `safety` raw answers for unsafe text.

    The safety answers are drawn at temperature 1, where a model says what it has in it.
    """
    device = torch.device("cpu")
    precision = resolve("auto", device, torch.float16)
    weights, tokenizer = load_llama(files, precision)
    model = LlamaLanguageModel(
        weights, tokenizer, SamplingOptions(), device=device, dtype=precision.dtype
    )
    plain, _ = load_llama(files, FULL)
    clock = _Clock()

    filled = filled_requests(model, asked.requests, seed)
    measures = [measure_answer(one.request, one.answer, True) for one in filled]
    clock.lap("requests")
    raw = [
        measure_answer(one.request, one.answer, one.ended)
        for one in raw_answers(model, asked.requests[::_RAW_EVERY], seed)
    ]
    clock.lap("raw")
    continued = filled_requests(model, asked.continued, seed + 1)
    pairs = [
        (split_tags(one.request.given[Field.TAG]), split_tags(one.answer.fields[Field.TAG]))
        for one in continued
    ]
    statistics = asked.source.statistics
    clock.lap("relevance")
    expanded = [expand(model, request)[0] for request in asked.expansions]
    consistent = total(
        expansion_consistency(request, one)
        for request, one in zip(asked.expansions, expanded, strict=True)
    )
    clock.lap("consistency")
    varied = [
        expand(model, replace(request, variants=_VARIANTS, seed=seed + 2))
        for request in asked.varied
    ]
    clock.lap("variety")
    toy = [expand(model, request)[0] for request in asked.toy]
    clock.lap("toy")
    records = surprise(plain, tokenizer, asked.records)
    captions = surprise(plain, tokenizer, asked.captions)
    clock.lap("perplexity")
    unsafe, left = _unsafe(files, asked.requests, safety, seed + 3)
    clock.lap("safety")
    words = vocabulary(asked.source)
    added = [tag for one in (*filled, *continued) for tag in _tags_of(one)]
    return Report(
        parameters=sum(one.numel() for one in plain.parameters()),
        requests=len(filled),
        well_formed=_mean([one.well_formed for one in measures]),
        length_reached=_mean([one.length_reached for one in measures]),
        in_vocabulary=_mean([tag in words for tag in added]),
        relevance=relevance(statistics, pairs),
        relevance_held_out=relevance(statistics, pairs, only_held_out=True),
        caption_nouns=consistent.noun_share,
        caption_colours=consistent.colour_share,
        toy=toy_share(toy),
        distinct_2=distinct_n([" ".join(one.answer.fields.values()) for one in filled]),
        variety=variety(varied),
        perplexity_per_character=records.per_character,
        perplexity_per_word=records.per_word,
        caption_perplexity_per_character=captions.per_character,
        tag_repetition=_mean([one.tag_repetition for one in measures]),
        sentence_repetition=_mean([one.sentence_repetition for one in measures]),
        raw_well_formed=_mean([one.well_formed for one in raw]),
        raw_length_reached=_mean([one.length_reached for one in raw]),
        raw_tag_repetition=_mean([one.tag_repetition for one in raw]),
        checked_for_safety=safety,
        unsafe=unsafe,
        unsafe_filtered=left,
        seconds=clock.seconds,
        examples=_examples(filled),
    )


@dataclass(frozen=True)
class Answered:
    """A request, the raw answer to it, and whether that came to its own end."""

    request: Request
    text: str
    answer: Answer
    ended: bool


def raw_answers(
    model: LlamaLanguageModel, requests: Sequence[Request], seed: int
) -> Iterator[Answered]:
    """Yield the answers that the model gives to `requests` when it is left to itself."""
    asks = [
        CompletionRequest(open_prompt(request, _open_field(request)), derived_seed(seed, number))
        for number, request in enumerate(requests)
    ]
    for request, completion in zip(requests, model.complete_many(asks), strict=True):
        ended = completion.reason is StopReason.END_TOKEN
        yield Answered(request, completion.text, read_answer(request, completion.text), ended)


def filled_requests(
    model: LlamaLanguageModel, requests: Sequence[Request], seed: int
) -> list[FilledRequest]:
    """Return the answers of the library to `requests`: `fill_fields` on many at once."""
    return model.run(
        [fill_fields(one, derived_seed(seed, number)) for number, one in enumerate(requests)]
    )


def _unsafe(
    files: ModelFiles, requests: Sequence[Request], count: int, seed: int
) -> tuple[int, int]:
    """Return how many of `count` raw answers are unsafe, and how many still are when filtered."""
    if not requests or not count:
        return 0, 0
    weights, tokenizer = load_llama(files, Precision("bf16", torch.bfloat16))
    options = SamplingOptions(temperature=1.0, max_new_tokens=_SAFETY_TOKENS)
    prompts = [open_prompt(one, _open_field(one)) for one in requests]
    repeated = [prompts[n % len(prompts)] for n in range(count)]
    unsafe = left = 0
    for text in raw_texts(weights, tokenizer, repeated, options, seed):
        if terms := blocklist_matches(text):
            log.warning("unsafe: %s in %s", terms, text)
            unsafe += 1
            left += bool(blocklist_matches(filtered(text)))
    return unsafe, left


def _open_field(request: Request) -> Field:
    """The field that the model goes on with."""
    unknown = [name for name in request.task.fields if not request.given.get(name)]
    return unknown[0] if unknown else request.task.fields[-1]


def _tags_of(one: FilledRequest) -> list[str]:
    return split_tags(one.answer.fields.get(Field.TAG, ""))


def _examples(filled: Sequence[FilledRequest]) -> dict[str, list[tuple[str, str]]]:
    """Three requests and answers a task, as texts."""
    examples: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in filled:
        name = one.request.task.value or "tags"
        if len(examples[name]) < 3:
            first, *rest = one.answer.fields.items()
            lines = [first[1], *(f"{field.value}:{text}" for field, text in rest)]
            lines += [f"{key}: {value}" for key, value in one.answer.meta.items()]
            examples[name].append((render_request(one.request), "\n".join(lines)))
    return dict(examples)


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else 0.0
