"""How good the shipped language model is: form, length, variety and safety of its answers.

Requests are made from samples that the training did not see: the same sources with another seed,
without the photo captions that were drawn in training.
"""

from __future__ import annotations

import json
import logging
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch

from ..expansion.answering import Filled, derived_seed, fill_steps, open_prompt
from ..expansion.record import Answer, Request, read_answer, render_request
from ..expansion.tasks import Field, Length, Task
from ..lm.asking import Ask
from ..lm.checkpoint import ModelFiles, load_llama
from ..lm.language_model import LlamaLanguageModel, StopReason
from ..lm.precision import resolve
from ..lm.sampling import SamplingOptions
from ..prompt.safe_text import blocked_terms
from ..training.samples import Sample, SampleSource
from ..training.train import HELD_OUT, Recipe
from .text import distinct_n, measure_answer

log = logging.getLogger("tipo-suite")

_AT_ONCE = 512
# Raw answers that do not end run to the token limit, and the figure is for information only.
_RAW_EVERY = 5
# A person types a few tags and a sentence or two.
_TYPED_TAGS = 6
# Enough for a raw answer to show what it is about.
_SAFETY_TOKENS = 160


@dataclass(frozen=True)
class Answered:
    """A request, the raw answer to it, and whether that came to its own end."""

    request: Request
    text: str
    answer: Answer
    ended: bool


def unseen_samples(folder: Path, recipe: Recipe, seed: int) -> Iterator[Sample]:
    """Yield samples of which neither tags nor caption were in the training set of `recipe`."""
    training = islice(iter(SampleSource(folder, recipe.seed)), recipe.samples + HELD_OUT)
    seen_captions = {sample.sentences[0] for sample in training}
    for sample in SampleSource(folder, seed):
        if sample.sentences[0] not in seen_captions:
            yield sample


def request_of(sample: Sample, task: Task, length: Length, rng: random.Random) -> Request:
    """Return the request that a user with this picture in mind might make."""
    counts = [tag for tag in sample.tags if tag[:1].isdigit() or tag == "solo"]
    general = [tag for tag in sample.tags if tag not in counts]
    tags = counts + general[: rng.randint(1, _TYPED_TAGS)]
    short = sample.sentences[: rng.randint(1, 2)]
    long = sample.sentences[: rng.randint(1, length.sentences.most)]
    given = {
        Field.TAG: ", ".join(tags),
        Field.SHORT: " ".join(short),
        Field.LONG: " ".join(long),
    }
    first = task.fields[0]
    lines = [line for line in sample.meta.items() if rng.random() < 0.5]
    gen_meta = rng.random() < 0.3 and len(lines) < len(sample.meta)
    return Request(task, length, {first: given[first]}, dict(lines), gen_meta)


def raw_answers(
    model: LlamaLanguageModel, requests: Sequence[Request], seed: int
) -> Iterator[Answered]:
    """Yield the answers that the model gives to `requests` when it is left to itself."""
    asks = [
        Ask(open_prompt(request, _open_field(request)), derived_seed(seed, number))
        for number, request in enumerate(requests)
    ]
    for request, completion in zip(requests, model.complete_many(asks), strict=True):
        ended = completion.reason is StopReason.END_TOKEN
        yield Answered(request, completion.text, read_answer(request, completion.text), ended)


def filled_requests(
    model: LlamaLanguageModel, requests: Sequence[Request], seed: int
) -> list[Filled]:
    """Return the answers of the library to `requests`: `fill_steps` on many at once."""
    return model.answer(
        [fill_steps(one, derived_seed(seed, number)) for number, one in enumerate(requests)]
    )


def _open_field(request: Request) -> Field:
    """The field that the model goes on with."""
    unknown = [name for name in request.task.fields if not request.given.get(name)]
    return unknown[0] if unknown else request.task.fields[-1]


@dataclass(frozen=True)
class Report:
    """The figures of a model card; shares are from 0 to 1.

    `well_formed` and `length_reached` are those of the answers that the library returns, which it
    brings to their class field by field; the `raw` ones are those of the model left to itself, on
    every fifth request.
    """

    requests: int
    well_formed: float
    length_reached: float
    raw_well_formed: float
    raw_length_reached: float
    distinct_2: float
    tag_repetition: float
    sentence_repetition: float
    raw_tag_repetition: float
    checked_for_safety: int
    unsafe: int
    examples: Mapping[str, Sequence[tuple[str, str]]]

    def to_json(self) -> str:
        """Return the report as JSON text."""
        return json.dumps(self.__dict__, indent=2, ensure_ascii=False) + "\n"


def held_out_requests(folder: Path, count: int, seed: int) -> list[Request]:
    """Return requests over all tasks and lengths alike, from samples that were not trained on."""
    rng = random.Random(seed)
    source = unseen_samples(folder, Recipe(), seed)
    kinds = [(task, length) for length in Length for task in Task]
    return [request_of(next(source), *kinds[n % len(kinds)], rng) for n in range(count)]


def evaluate(files: ModelFiles, asked: Sequence[Request], *, safety: int, seed: int) -> Report:
    """Measure the model in `files` on the requests, and `safety` raw answers for unsafe text.

    The safety answers are drawn at temperature 1, where a model says what it has in it.
    """
    device = torch.device("cpu")
    precision = resolve("auto", device, torch.float16)
    weights, tokenizer = load_llama(files, precision)

    def model(**options: float) -> LlamaLanguageModel:
        chosen = replace(SamplingOptions(), **options)  # type: ignore[arg-type]
        return LlamaLanguageModel(weights, tokenizer, chosen, device=device, dtype=precision.dtype)

    default = model()
    filled = filled_requests(default, asked, seed)
    measures = [measure_answer(one.request, one.answer, True) for one in filled]
    raw = [
        measure_answer(one.request, one.answer, one.ended)
        for one in raw_answers(default, asked[::_RAW_EVERY], seed)
    ]
    log.info("%d raw answers", len(raw))
    repeated = [asked[n % len(asked)] for n in range(safety if asked else 0)]
    hot = model(temperature=1.0, max_new_tokens=_SAFETY_TOKENS)
    texts = [one.text for one in raw_answers(hot, repeated, seed + 1)]
    texts += [text for one in filled for text in one.answer.fields.values()]
    unsafe = [text for text in texts if blocked_terms(text)]
    for text in unsafe:
        log.warning("unsafe: %s in %s", blocked_terms(text), text)
    return Report(
        requests=len(filled),
        well_formed=_mean([one.well_formed for one in measures]),
        length_reached=_mean([one.length_reached for one in measures]),
        raw_well_formed=_mean([one.well_formed for one in raw]),
        raw_length_reached=_mean([one.length_reached for one in raw]),
        distinct_2=distinct_n([" ".join(one.answer.fields.values()) for one in filled]),
        tag_repetition=_mean([one.tag_repetition for one in measures]),
        sentence_repetition=_mean([one.sentence_repetition for one in measures]),
        raw_tag_repetition=_mean([one.tag_repetition for one in raw]),
        checked_for_safety=len(texts),
        unsafe=len(unsafe),
        examples=_examples(filled),
    )


def _examples(filled: Sequence[Filled]) -> dict[str, list[tuple[str, str]]]:
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


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
