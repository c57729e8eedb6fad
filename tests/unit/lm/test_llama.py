"""The model against the `transformers` library on the same weights."""

from __future__ import annotations

import pytest
import torch

from tipo_core.lm.checkpoint import load_llama
from tipo_core.lm.kv_cache import KVCache

from .conftest import MakeModel

CPU = torch.device("cpu")


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("kv_heads", [1, 2, 6])
def test_logits_equal_those_of_transformers(
    make_model: MakeModel, tied: bool, kv_heads: int
) -> None:
    transformers = pytest.importorskip("transformers")
    files = make_model(tie_word_embeddings=tied, num_key_value_heads=kv_heads)
    ours, _ = load_llama(files, dtype=torch.float32)
    theirs = transformers.LlamaForCausalLM.from_pretrained(files.folder, dtype=torch.float32)
    tokens = torch.randint(0, ours.config.vocab_size, (3, 40))
    with torch.inference_mode():
        difference = (ours(tokens) - theirs(tokens).logits).abs().max()
    assert difference < 1e-4


def test_rope_theta_of_the_config_is_used(make_model: MakeModel) -> None:
    transformers = pytest.importorskip("transformers")
    files = make_model(rope_theta=500.0)
    ours, _ = load_llama(files, dtype=torch.float32)
    theirs = transformers.LlamaForCausalLM.from_pretrained(files.folder, dtype=torch.float32)
    tokens = torch.randint(0, ours.config.vocab_size, (1, 60))
    with torch.inference_mode():
        assert (ours(tokens) - theirs(tokens).logits).abs().max() < 1e-4


@pytest.mark.parametrize("first", [1, 7, 24])
def test_cached_and_uncached_logits_are_equal(make_model: MakeModel, first: int) -> None:
    model, _ = load_llama(make_model(), dtype=torch.float32)
    tokens = torch.randint(0, model.config.vocab_size, (2, 25))
    with torch.inference_mode():
        whole = model(tokens)
        cache = KVCache(model.config, 2, 25, CPU, torch.float32)
        parts = [model(tokens[:, :first], cache)]
        # A few tokens at once behind a filled cache, then one at a time.
        middle = min(first + 3, 25)
        if middle > first:
            parts.append(model(tokens[:, first:middle], cache))
        parts += [model(tokens[:, n : n + 1], cache) for n in range(middle, 25)]
    assert cache.length == 25
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-4, rtol=0)


def test_a_full_cache_is_an_error(make_model: MakeModel) -> None:
    model, _ = load_llama(make_model(), dtype=torch.float32)
    cache = KVCache(model.config, 1, 4, CPU, torch.float32)
    with torch.inference_mode(), pytest.raises(AssertionError, match="cache of 4 tokens"):
        model(torch.zeros(1, 5, dtype=torch.long), cache)


def test_the_size_of_a_cache_is_known_beforehand(make_model: MakeModel) -> None:
    model, _ = load_llama(make_model(), dtype=torch.float32)
    # 3 layers, keys and values, 2 heads of 8, 100 tokens, 4 bytes
    assert KVCache.size_in_bytes(model.config, 1, 100, torch.float32) == 3 * 2 * 2 * 8 * 100 * 4
