"""Text in, text out: seeds, limits, cancelling."""

from __future__ import annotations

import random

import pytest
import torch

from tipo_core.lm.checkpoint import ModelFiles, load_llama
from tipo_core.lm.generate import generate
from tipo_core.lm.language_model import LlamaLanguageModel, StopReason
from tipo_core.lm.sampling import SamplingOptions

CPU = torch.device("cpu")
PROMPT = "target: <|long|>\ntag: 1girl, cat ears,"


def language_model(files: ModelFiles, **options: float) -> LlamaLanguageModel:
    model, tokenizer = load_llama(files, dtype=torch.float32)
    chosen = SamplingOptions(**{"temperature": 1.0, "max_new_tokens": 30, **options})  # type: ignore[arg-type]
    return LlamaLanguageModel(model, tokenizer, chosen, device=CPU, dtype=torch.float32)


def test_greedy_tokens_equal_those_of_transformers(files: ModelFiles) -> None:
    transformers = pytest.importorskip("transformers")
    model, tokenizer = load_llama(files, dtype=torch.float32)
    theirs = transformers.LlamaForCausalLM.from_pretrained(files.folder, dtype=torch.float32)
    ids = tokenizer.encode(PROMPT)
    wanted = theirs.generate(
        torch.tensor([ids]), do_sample=False, max_new_tokens=60, repetition_penalty=1.17
    )[0, len(ids) :].tolist()
    options = SamplingOptions(temperature=0, repetition_penalty=1.17, max_new_tokens=60)
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        rows = generate(model, [ids], options, [generator], device=CPU, dtype=torch.float32)
        assert [row[0] for row in rows] == wanted


def test_the_seed_decides_and_nothing_else(files: ModelFiles) -> None:
    model = language_model(files)
    first = model.complete(PROMPT, seed=0).text
    torch.manual_seed(123)
    random.seed(5)
    state, python_state = torch.get_rng_state(), random.getstate()
    assert model.complete(PROMPT, seed=0).text == first
    assert torch.equal(torch.get_rng_state(), state)
    assert random.getstate() == python_state
    assert len({model.complete(PROMPT, seed=seed).text for seed in range(4)}) == 4


def test_streams_of_a_batch_equal_single_ones(files: ModelFiles) -> None:
    model, tokenizer = load_llama(files, dtype=torch.float32)
    options = SamplingOptions(max_new_tokens=20, temperature=1.0)
    prompts = [tokenizer.encode(f"tag: {word},") for word in ("solo", "hair", "book")]
    assert len({len(prompt) for prompt in prompts}) == 1

    def run(chosen: list[int]) -> list[list[int]]:
        generators = [torch.Generator().manual_seed(n) for n in chosen]
        with torch.inference_mode():
            rows = list(
                generate(
                    model,
                    [prompts[n] for n in chosen],
                    options,
                    generators,
                    device=CPU,
                    dtype=torch.float32,
                )
            )
        return [list(stream) for stream in zip(*rows, strict=True)]

    together = run([0, 1, 2])
    for number in range(3):
        alone = run([number])[0]
        assert together[number][: len(alone)] == alone


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
    too_long = wide.complete("1girl, " * 300, seed=1)
    assert (too_long.new_tokens, too_long.text) == (0, "")


def test_enough_ends_a_run_and_on_token_may_raise(files: ModelFiles) -> None:
    model = language_model(files)
    done = model.complete(PROMPT, seed=2, enough=lambda text: len(text) > 5, min_new_tokens=99)
    assert done.reason is StopReason.TARGET and 5 < len(done.text) < 30

    class Cancelled(BaseException):
        pass

    heard: list[int] = []

    def cancel(tokens: int) -> None:
        heard.append(tokens)
        if tokens == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        model.complete(PROMPT, seed=2, on_token=cancel, min_new_tokens=99)
    assert heard == [1, 2, 3]
    assert model.complete(PROMPT, seed=2, min_new_tokens=99).new_tokens == 30


def test_text_behind_a_prompt_keeps_its_leading_space(files: ModelFiles) -> None:
    _, tokenizer = load_llama(files, dtype=torch.float32)
    whole = "tag: 1girl, solo, long hair"
    for cut in (4, 10, 11, 16):
        prompt, rest = tokenizer.encode(whole[:cut]), tokenizer.encode(whole[cut:])[1:]
        assert tokenizer.decode_after(prompt, rest) == whole[cut:]


def test_memory_required_covers_the_cache(files: ModelFiles) -> None:
    model = language_model(files)
    cache = 3 * 2 * 2 * 8 * 128 * 4
    assert cache < model.memory_required() < 50 * cache
