"""The report on a small model: form, content, variety, perplexity and safety of its answers.

All models are measured in the same way, so a model card can compare versions (`model_card.py`). The
requests come from `held_out_requests.py`.
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
from tipo_core.lm.generate.completion import CompletionRequest, StopReason
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.sampling_options import SamplingOptions
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

# Raw answers without an end run to the token limit, so only every fifth request gets one.
_RAW_EVERY = 5
# Tokens of a raw answer that is checked for unsafe text.
_SAFETY_TOKENS = 48
_VARIANTS = 4  # of an expansion, to measure variety


@dataclass(frozen=True)
class Report:
    """The figures of a model card; shares are from 0 to 1.

    `well_formed` and `length_reached` are of the library's answers, which it extends field by field
    to the requested class; the `raw` figures are of the model alone, on every fifth request.
    `in_vocabulary` is the share of added tags that are tags. See `Relevance`, `Consistency`,
    `Variety`, `Surprise` and `toy_share` for the others. `unsafe` counts raw answers that hit the
    block list, `unsafe_filtered` those that still do after the filter.
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
    """Seconds of each part of an evaluation."""

    seconds: dict[str, float] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = round(now - self.since, 1)
        self.since = now
        log.info("%s: %.0f s", name, self.seconds[name])


def evaluate(files: ModelFiles, asked: Asked, *, safety: int, seed: int) -> Report:
    """Measure the model in `files`, and `safety` raw answers for unsafe text.

    The safety answers are sampled at temperature 1, from the model's own distribution.
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
    """A request, its raw answer, and whether the answer ended with the end token."""

    request: Request
    text: str
    answer: Answer
    ended: bool


def raw_answers(
    model: LlamaLanguageModel, requests: Sequence[Request], seed: int
) -> Iterator[Answered]:
    """Yield the raw answers of the model to `requests`."""
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
        [
            fill_fields(one, derived_seed(seed, number), at_least=True)
            for number, one in enumerate(requests)
        ]
    )


def _unsafe(
    files: ModelFiles, requests: Sequence[Request], count: int, seed: int
) -> tuple[int, int]:
    """Return how many of `count` raw answers are unsafe, and how many after the filter."""
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
    """Return the field that the model continues."""
    unknown = [name for name in request.task.fields if not request.given.get(name)]
    return unknown[0] if unknown else request.task.fields[-1]


def _tags_of(one: FilledRequest) -> list[str]:
    return split_tags(one.answer.fields.get(Field.TAG, ""))


def _examples(filled: Sequence[FilledRequest]) -> dict[str, list[tuple[str, str]]]:
    """Return three requests with answers for each task, as texts."""
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
