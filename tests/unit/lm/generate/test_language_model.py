"""Text in, text out: seeds, limits, cancelling."""

from __future__ import annotations

import random

import pytest
import torch
from safetensors.torch import load_file, save_file

from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.completion import Cancelled, StopReason

from ..conftest import MakeModel
from ..passes import language_model

PROMPT = "target: <|long|>\ntag: 1girl, cat ears,"


@pytest.mark.parametrize("precision", ["fp32", "auto", "int8"])
def test_the_seed_decides_and_nothing_else(files: ModelFiles, precision: str) -> None:
    model = language_model(files, precision)
    first = model.complete(PROMPT, seed=0).text
    torch.manual_seed(123)
    random.seed(5)
    state, python_state = torch.get_rng_state(), random.getstate()
    assert model.complete(PROMPT, seed=0).text == first
    assert torch.equal(torch.get_rng_state(), state)
    assert random.getstate() == python_state
    assert len({model.complete(PROMPT, seed=seed).text for seed in range(4)}) == 4


def test_max_new_tokens_and_the_context_end_a_run(files: ModelFiles) -> None:
    model = language_model(files)
    short = model.complete(PROMPT, seed=1, min_new_tokens=99)
    assert (short.new_tokens, short.reason) == (30, StopReason.TOKEN_LIMIT)
    long_prompt = "1girl, " * 30
    length = len(model.tokenizer.encode(long_prompt))
    assert length < model.model.config.max_position_embeddings < length + 500
    wide = language_model(files, max_new_tokens=500)
    full = wide.complete(long_prompt, seed=1, min_new_tokens=500)
    assert full.prompt_tokens + full.new_tokens == model.model.config.max_position_embeddings
    assert full.reason is StopReason.CONTEXT_LIMIT
    too_long = wide.complete("1girl, " * 300, seed=1)
    assert (too_long.new_tokens, too_long.text) == (0, "")
    assert too_long.reason is StopReason.CONTEXT_LIMIT


def test_an_end_token_ends_a_run_and_none_comes_too_early(make_model: MakeModel) -> None:
    model = language_model(make_model(eos_token_ids=tuple(range(1, 200))), max_new_tokens=60)
    ends = [model.complete(PROMPT, seed=seed) for seed in range(20)]
    assert {one.reason for one in ends} == {StopReason.END_TOKEN}
    assert min(one.new_tokens for one in ends) == 0
    for seed in range(20):
        later = model.complete(PROMPT, seed=seed, min_new_tokens=9)
        assert later.new_tokens >= 9 and later.reason is StopReason.END_TOKEN


def test_enough_ends_a_run_and_on_token_may_raise(files: ModelFiles) -> None:
    model = language_model(files)
    done = model.complete(PROMPT, seed=2, should_stop=lambda text: len(text) > 5, min_new_tokens=99)
    assert done.reason is StopReason.TARGET and 5 < len(done.text) < 30

    class Stopped(BaseException):
        pass

    heard: list[int] = []

    def stop(tokens: int) -> None:
        heard.append(tokens)
        if tokens == 3:
            raise Stopped

    with pytest.raises(Stopped):
        model.complete(PROMPT, seed=2, on_token=stop, min_new_tokens=99)
    assert heard == [1, 2, 3]
    assert model.complete(PROMPT, seed=2, min_new_tokens=99).new_tokens == 30


def test_cancelled_is_answered_with_what_is_there(files: ModelFiles) -> None:
    model = language_model(files)
    whole = model.complete(PROMPT, seed=2, min_new_tokens=99)

    def cancel(tokens: int) -> None:
        if tokens == 3:
            raise Cancelled

    done = model.complete(PROMPT, seed=2, on_token=cancel, min_new_tokens=99)
    assert (done.new_tokens, done.reason) == (3, StopReason.CANCELLED)
    assert done.text and whole.text.startswith(done.text)


def test_text_behind_a_prompt_keeps_its_leading_space(files: ModelFiles) -> None:
    _, tokenizer = load_llama(files)
    whole = "tag: 1girl, solo, long hair"
    for cut in (4, 10, 11, 16):
        prompt, rest = tokenizer.encode(whole[:cut]), tokenizer.encode(whole[cut:])[1:]
        assert tokenizer.decode_after(prompt, rest) == whole[cut:]


def test_memory_required_covers_the_cache(make_model: MakeModel) -> None:
    files = make_model(max_position_embeddings=512)
    for precision, size, at_once in (("fp32", 4, 1), ("auto", 2, 16)):
        model = language_model(files, precision)
        assert model.max_batch_size == at_once
        cache = 3 * 2 * 2 * 8 * 512 * size
        assert cache < model.memory_required() < 50 * cache
        many = model.memory_required(40)
        assert at_once * cache < many < 50 * at_once * cache
        assert many == model.memory_required(at_once)


@pytest.mark.parametrize("temperature", [0.5, 0.0])
@pytest.mark.parametrize("precision", ["fp32", "auto", "int8"])
def test_a_model_of_no_numbers_writes_no_text(
    make_model: MakeModel, precision: str, temperature: float
) -> None:
    files = make_model()
    tensors = load_file(files.weights)
    tensors["model.layers.1.mlp.down_proj.weight"][3, 4] = torch.nan
    save_file(tensors, files.weights)
    with pytest.raises((RuntimeError, ValueError)):
        language_model(files, precision, temperature=temperature).complete(PROMPT, seed=0)
