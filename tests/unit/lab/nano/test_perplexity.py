"""Perplexity and batches of raw answers, on a model with random weights."""

from __future__ import annotations

import math

import pytest
import torch

from lab.nano.measures.perplexity import surprise
from lab.nano.measures.raw_batches import raw_texts
from tipo_core.lm.generate.sampling_options import SamplingOptions
from tipo_core.lm.model.llama import Llama
from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer
from tipo_core.training.tokenizer import train_tokenizer
from tipo_core.training.train import Recipe, initialise

RECIPE = Recipe(hidden_size=16, intermediate_size=32, layers=2, heads=4, kv_heads=2, context=64)
TEXTS = [("tag: 1girl,", " hat, coat"), ("long:", " A cat and a hat"), ("", "tag: coat")]


@pytest.fixture(scope="module")
def small() -> tuple[Llama, TextTokenizer]:
    tokenizer = train_tokenizer(["tag: 1girl, hat, coat\nlong: A cat and a hat"] * 9, 300)
    model = Llama(RECIPE.config(tokenizer))
    initialise(model, 3)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(12)
    return model, TextTokenizer(tokenizer)


def test_perplexity_is_that_of_the_tokens_behind_the_border(
    small: tuple[Llama, TextTokenizer],
) -> None:
    model, tokenizer = small
    nats = 0.0
    for before, text in TEXTS:
        start = len(tokenizer.encode(before))
        ids = tokenizer.encode(before + text)
        for place in range(start, len(ids)):
            with torch.inference_mode():
                scores = model.sequence_logits(torch.tensor([ids[:place]]))[0, -1].double()
            nats -= float(scores.log_softmax(-1)[ids[place]])
    found = surprise(model, tokenizer, TEXTS)
    assert found.nats == pytest.approx(nats, rel=1e-4)
    assert (found.characters, found.words) == (10 + 16 + 9, 2 + 5 + 2)
    assert found.per_character == pytest.approx(math.exp(nats / 35), rel=1e-4)
    with pytest.raises(ValueError, match="no text"):
        surprise(model, tokenizer, [("tag:", "")])


def test_a_model_that_knows_nothing_needs_the_same_for_each_token(
    small: tuple[Llama, TextTokenizer],
) -> None:
    _, tokenizer = small
    flat = Llama(small[0].config)
    torch.nn.init.zeros_(flat.embedding.weight)
    text = "tag: hat, coat"
    tokens = len(tokenizer.encode(text)) - 1
    found = surprise(flat, tokenizer, [("", text)])
    assert found.nats == pytest.approx(tokens * math.log(flat.config.vocab_size), rel=1e-5)


def test_batched_answers_are_those_of_the_model_alone(
    small: tuple[Llama, TextTokenizer],
) -> None:
    model, tokenizer = small
    prompts = ["tag: 1girl,", "tag: coat,", "long: A cat", "tag: 1girl,", "tag: hat, coat, hat,"]
    options = SamplingOptions(temperature=0, repetition_penalty=1.17, max_new_tokens=12)

    def alone(prompt: str) -> str:
        start = ids = tokenizer.encode(prompt)
        for _ in range(options.max_new_tokens):
            with torch.inference_mode():
                scores = model.sequence_logits(torch.tensor([ids]))[0, -1].tolist()
            for seen in set(ids):
                scores[seen] *= 1.17 if scores[seen] < 0 else 1 / 1.17
            best = scores.index(max(scores))
            if best in model.config.eos_token_ids:
                break
            ids = [*ids, best]
        return tokenizer.decode_after(start, ids[len(start) :])

    found = list(raw_texts(model, tokenizer, prompts, options, 1))
    assert sorted(found) == sorted(alone(prompt) for prompt in prompts)


def test_a_row_ends_at_the_end_token_and_the_others_go_on(
    small: tuple[Llama, TextTokenizer],
) -> None:
    model, tokenizer = small
    options = SamplingOptions(temperature=3.0, top_p=1.0, min_p=0.0, top_k=0, max_new_tokens=40)
    texts = list(raw_texts(model, tokenizer, ["tag: 1girl,"] * 60, options, 1))
    lengths = [len(tokenizer.encode(text)) for text in texts]
    assert len(texts) == 60 and min(lengths) < 30 <= max(lengths)
    assert not any("</s>" in text for text in texts)
    assert texts == list(raw_texts(model, tokenizer, ["tag: 1girl,"] * 60, options, 1))
