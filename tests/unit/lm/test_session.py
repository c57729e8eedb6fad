"""Completions that share their beginning: what was read is kept, and nothing else."""

from __future__ import annotations

import pytest
import torch

from tipo_core.lm.checkpoint import ModelFiles, load_llama
from tipo_core.lm.kv_cache import KVCache
from tipo_core.lm.language_model import LlamaLanguageModel
from tipo_core.lm.sampling import SamplingOptions
from tipo_core.lm.stop_reason import StopReason

CPU = torch.device("cpu")
PROMPT = "target: <|long|>\ntag: 1girl, cat ears,"


@pytest.fixture
def model(files: ModelFiles) -> LlamaLanguageModel:
    weights, tokenizer = load_llama(files, dtype=torch.float32)
    options = SamplingOptions(temperature=0, max_new_tokens=12)
    return LlamaLanguageModel(weights, tokenizer, options, device=CPU, dtype=torch.float32)


def tokens_read(model: LlamaLanguageModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that gets the number of tokens of every pass through the model."""
    read: list[int] = []
    forward = model.model.model.forward

    def counted(tokens: torch.Tensor, cache: KVCache | None = None) -> torch.Tensor:
        read.append(tokens.shape[1])
        return forward(tokens, cache)

    monkeypatch.setattr(model.model.model, "forward", counted)
    return read


def test_a_continued_answer_equals_one_that_is_started_over(model: LlamaLanguageModel) -> None:
    session = model.session()
    prompt = PROMPT
    for number in range(4):
        kept = session.complete(prompt, seed=number, min_new_tokens=12)
        assert kept.text == model.complete(prompt, seed=number, min_new_tokens=12).text
        # Cut somewhere, as a refused tag is, and go on behind another one.
        prompt += kept.text[: 3 * number] + " hat,"


def test_only_what_is_new_is_read(
    model: LlamaLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = tokens_read(model, monkeypatch)
    session = model.session()
    first = session.complete(PROMPT, seed=0, min_new_tokens=12)
    length = len(model.tokenizer.encode(PROMPT))
    assert read == [length] + [1] * 11
    read.clear()
    # Nonsense may be cut into other tokens when it is read again, but never those of the prompt.
    session.complete(PROMPT + first.text, seed=0, min_new_tokens=12)
    assert read[0] <= 12
    read.clear()
    session.complete(PROMPT, seed=1, min_new_tokens=12)
    assert read[0] == 1  # the scores behind the last token are not kept


def test_a_session_knows_nothing_of_another_one(model: LlamaLanguageModel) -> None:
    alone = model.session().complete(PROMPT, seed=3, min_new_tokens=12)
    other = model.session()
    other.complete("long: A girl is reading", seed=9)
    assert model.session().complete(PROMPT, seed=3, min_new_tokens=12) == alone


def test_an_answer_that_was_cancelled_leaves_the_session_usable(model: LlamaLanguageModel) -> None:
    session = model.session()

    def cancel(tokens: int) -> None:
        if tokens == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.complete(PROMPT, seed=0, on_token=cancel, min_new_tokens=12)
    after = session.complete(PROMPT, seed=0, min_new_tokens=12)
    assert after.text == model.complete(PROMPT, seed=0, min_new_tokens=12).text


def test_the_context_ends_a_session_with_a_reason(model: LlamaLanguageModel) -> None:
    session = model.session()
    prompt = PROMPT
    for _ in range(30):
        done = session.complete(prompt, seed=0, min_new_tokens=12)
        if done.reason is StopReason.CONTEXT_LIMIT:
            break
        prompt += done.text
    assert done.reason is StopReason.CONTEXT_LIMIT
    silent = session.complete(prompt + " 1girl," * 200, seed=0)
    assert (silent.text, silent.reason) == ("", StopReason.CONTEXT_LIMIT)


def test_a_cache_grows_and_forgets(files: ModelFiles) -> None:
    config = load_llama(files, dtype=torch.float32)[0].config
    cache = KVCache(config, 1, 2, CPU, torch.float32)
    shape = (1, config.num_key_value_heads, 2, config.head_dim)
    first, second = torch.randn(shape), torch.randn(shape)
    for layer in range(config.num_hidden_layers):
        cache.extend(layer, first, first)
    cache.advance(2)
    cache.reserve(6)
    keys, _ = cache.extend(0, second, second)
    assert torch.equal(keys, torch.cat([first, second], dim=2))
    cache.cut(1)
    keys, values = cache.extend(0, second, second)
    assert torch.equal(keys, torch.cat([first[:, :, :1], second], dim=2))
    assert torch.equal(keys, values) and cache.capacity == 6
