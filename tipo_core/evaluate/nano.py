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

from ..expansion.expand import derived_seed, expand
from ..expansion.record import Answer, Request, read_answer, render_request
from ..expansion.request import ExpansionRequest
from ..expansion.tasks import Field, Length, Task
from ..lm.checkpoint import ModelFiles, load_llama
from ..lm.generate import generate
from ..lm.language_model import LlamaLanguageModel
from ..lm.sampling import SamplingOptions
from ..training.safe_text import blocked_terms
from ..training.samples import Sample, SampleSource
from ..training.train import HELD_OUT, Recipe
from .text import distinct_n, measure_answer

log = logging.getLogger("tipo-suite")

_LARGEST_BATCH = 32
# A person types a few tags and a sentence or two.
_TYPED_TAGS = 6


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


def answers(
    model: LlamaLanguageModel, requests: Sequence[Request], seed: int
) -> Iterator[Answered]:
    """Yield the answers to `requests`, batched by the length of the request, in that order."""
    by_length: Mapping[int, list[tuple[int, Request, list[int]]]] = defaultdict(list)
    for number, request in enumerate(requests):
        comma = "," if request.task is Task.TAGS and request.given.get(Field.TAG) else ""
        ids = model.tokenizer.encode(render_request(request) + comma)
        by_length[len(ids)].append((number, request, ids))
    for length in sorted(by_length):
        group = by_length[length]
        for start in range(0, len(group), _LARGEST_BATCH):
            yield from _answer_batch(model, group[start : start + _LARGEST_BATCH], seed)


def _answer_batch(
    model: LlamaLanguageModel, batch: Sequence[tuple[int, Request, list[int]]], seed: int
) -> Iterator[Answered]:
    generators = [torch.Generator().manual_seed(derived_seed(seed, number)) for number, *_ in batch]
    ends = model.model.config.eos_token_ids
    streams: list[list[int]] = [[] for _ in batch]
    with torch.inference_mode():
        for row in generate(
            model.model,
            [ids for *_, ids in batch],
            model.options,
            generators,
            device=model.device,
            dtype=model.dtype,
        ):
            for stream, token in zip(streams, row, strict=True):
                if not stream or stream[-1] not in ends:
                    stream.append(token)
    for (_, request, ids), stream in zip(batch, streams, strict=True):
        ended = bool(stream) and stream[-1] in ends
        text = model.tokenizer.decode_after(ids, stream)
        yield Answered(request, text, read_answer(request, text), ended)


@dataclass(frozen=True)
class Report:
    """The figures of a model card; shares are from 0 to 1."""

    requests: int
    well_formed: float
    length_reached_raw: float
    length_reached: float
    distinct_2: float
    tag_repetition: float
    sentence_repetition: float
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
    """Measure the model in `files` on the requests, and `safety` answers for unsafe text.

    Form and raw length are those of single answers at the default options; `length_reached` is
    what an expansion returns, which goes on where an answer stopped short (every tenth request).
    The safety answers are drawn at temperature 1, where a model says what it has in it.
    """
    model_weights, tokenizer = load_llama(files, dtype=torch.float32)
    model = LlamaLanguageModel(
        model_weights,
        tokenizer,
        SamplingOptions(),
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    given = list(answers(model, asked, seed))
    log.info("%d answers", len(given))
    measures = [measure_answer(one.request, one.answer, one.ended) for one in given]
    reached = [_expansion_reached(model, request, seed) for request in asked[::10]]
    log.info("%d expansions", len(reached))
    hot = LlamaLanguageModel(
        model_weights,
        tokenizer,
        replace(model.options, temperature=1.0),
        device=model.device,
        dtype=model.dtype,
    )
    repeated = [asked[n % len(asked)] for n in range(safety)]
    unsafe = [one.text for one in answers(hot, repeated, seed + 1) if blocked_terms(one.text)]
    for text in unsafe:
        log.warning("unsafe: %s in %s", blocked_terms(text), text)
    examples: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in given:
        name = one.request.task.value or "tags"
        if len(examples[name]) < 3:
            examples[name].append((render_request(one.request), one.text))
    return Report(
        requests=len(given),
        well_formed=_mean([one.well_formed for one in measures]),
        length_reached_raw=_mean([one.length_reached for one in measures]),
        length_reached=_mean(reached),
        distinct_2=distinct_n([one.text for one in given]),
        tag_repetition=_mean([one.tag_repetition for one in measures]),
        sentence_repetition=_mean([one.sentence_repetition for one in measures]),
        checked_for_safety=len(repeated),
        unsafe=len(unsafe),
        examples=examples,
    )


def _expansion_reached(model: LlamaLanguageModel, request: Request, seed: int) -> bool:
    """Whether an expansion of what this request gives reaches its length class in every pass."""
    given = dict(request.given)
    caption = given.get(Field.LONG) or given.get(Field.SHORT, "")
    expansion = expand(
        model,
        ExpansionRequest(
            tags=given.get(Field.TAG, ""),
            caption=caption if caption.count(".") <= request.length.sentences.most else "",
            tag_length=request.length,
            caption_length=request.length,
            meta=request.meta,
            seed=seed,
        ),
    )[0]
    return all(step.reached for step in expansion.passes)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
