"""The key/value cache: it grows, is truncated and copied, and rows are independent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from tipo_core.lm.files.hf_config import read_hf_config
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.kernels.fp16_linear import has_fp16_kernel
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.model.fp16_kv_cache import BLOCK, Fp16KVCache
from tipo_core.lm.model.kv_cache import KVCache
from tipo_core.lm.model.llama import Llama

from ..conftest import MakeModel
from ..passes import cache_of, load, side_by_side, some_tokens

INTEGERS = pytest.mark.parametrize("precision", ["auto", "int8"])
KINDS = [torch.float32, torch.bfloat16, *[torch.float16] * has_fp16_kernel()]
# The dtypes of caches whose rows are decoded side by side.
USED = [torch.float32, *[torch.float16] * has_fp16_kernel()]
CACHES = pytest.mark.parametrize("kind", KINDS, ids=str)


@pytest.fixture
def config(files: ModelFiles) -> LlamaConfig:
    return read_hf_config(files.config)


def put(cache: KVCache, row: int, tokens: torch.Tensor) -> None:
    """Append `tokens` (`N`) to a row, as keys and, halved, as values."""
    context = cache.prefill(row, len(tokens))
    shape = len(tokens), cache.config.num_key_value_heads, cache.config.head_dim
    keys = tokens[:, None, None].expand(shape)
    queries = torch.zeros(len(tokens), cache.config.num_attention_heads, shape[2])
    for layer in range(cache.config.num_hidden_layers):
        context.attend(layer, queries, keys, keys / 2)


def held(cache: KVCache, row: int) -> list[float]:
    """Return the tokens of a row, which must be equal in every layer and head."""
    length = cache.lengths[row]
    found = []
    for keys, values in cache.layers:
        if isinstance(cache, Fp16KVCache):
            keys = keys.transpose(3, 4).flatten(2, 3)
        assert torch.equal(keys[row, :, :length] / 2, values[row, :, :length])
        same = keys[row, :1, :length, :1].expand_as(keys[row, :, :length])
        assert torch.equal(keys[row, :, :length], same)
        found.append(keys[row, 0, :length, 0].tolist())
    assert all(one == found[0] for one in found)
    return list(found[0])


@CACHES
def test_a_cache_grows_and_truncates_rows(config: LlamaConfig, kind: torch.dtype) -> None:
    cache = cache_of(config, 3, 2, kind)
    put(cache, 1, torch.tensor([1.0, 2.0]))
    cache.reserve(6)
    assert cache.capacity == 6 and cache.lengths == [0, 2, 0]
    put(cache, 1, torch.tensor([3.0]))
    put(cache, 2, torch.tensor([7.0, 8.0, 9.0]))
    assert held(cache, 1) == [1, 2, 3] and held(cache, 2) == [7, 8, 9]
    cache.truncate(1, 1)
    put(cache, 1, torch.tensor([4.0, 5.0]))
    assert held(cache, 1) == [1, 4, 5] and held(cache, 2) == [7, 8, 9]
    cache.reserve(3)
    assert cache.capacity == 6
    cache.truncate(1, 0)
    assert held(cache, 1) == [] and held(cache, 2) == [7, 8, 9]


@CACHES
def test_a_long_row_keeps_all_tokens_as_the_cache_grows(
    config: LlamaConfig, kind: torch.dtype
) -> None:
    tokens = torch.arange(1.0, 210.0)
    cache = cache_of(config, 2, 70, kind)
    done = 0
    for count in (1, 62, 2, 0, 64, 80):
        cache.reserve(max(done + count, 1))
        put(cache, 1, tokens[done : done + count])
        done += count
        assert held(cache, 1) == tokens[:done].tolist()
    cache.copy_prefix(1, 0, 130)
    assert held(cache, 0) == tokens[:130].tolist()
    cache.truncate(1, 65)
    put(cache, 1, torch.tensor([250.0, 251.0]))
    assert held(cache, 1) == [*tokens[:65].tolist(), 250, 251]
    assert held(cache, 0) == tokens[:130].tolist()


@CACHES
def test_a_prefix_of_a_row_is_copied(config: LlamaConfig, kind: torch.dtype) -> None:
    cache = cache_of(config, 2, 4, kind)
    put(cache, 0, torch.tensor([1.0, 2.0, 3.0]))
    put(cache, 1, torch.tensor([9.0]))
    cache.copy_prefix(0, 1, 2)
    put(cache, 1, torch.tensor([4.0]))
    assert held(cache, 0) == [1, 2, 3] and held(cache, 1) == [1, 2, 4]


@CACHES
def test_exceeding_a_row_or_the_capacity_is_an_error(
    config: LlamaConfig, kind: torch.dtype
) -> None:
    cache = cache_of(config, 1, 4, kind)
    with pytest.raises(AssertionError, match="cache of 4 tokens asked to hold 5"):
        cache.prefill(0, 5)
    cache.prefill(0, 4)
    with pytest.raises((AssertionError, IndexError)):
        cache.decode([0])
    with pytest.raises(AssertionError, match="row of 4 tokens cut to 5"):
        cache.truncate(0, 5)


@CACHES
def test_size_in_bytes_is_the_allocated_size(config: LlamaConfig, kind: torch.dtype) -> None:
    # 3 layers, keys and values, 2 heads of 8, 5 rows of two blocks
    capacity = 2 * BLOCK
    size = KVCache.size_in_bytes(config, 5, capacity, kind)
    assert size == 3 * 2 * 2 * 8 * 5 * capacity * kind.itemsize
    cache = cache_of(config, 5, capacity, kind)
    assert sum(one.nbytes for pair in cache.layers for one in pair) == size


@pytest.mark.skipif(not has_fp16_kernel(), reason="this processor has no kernel for half precision")
@pytest.mark.parametrize("kv_heads", [1, 2, 6])
def test_fp16_attention_is_near_fp32_attention(make_model: MakeModel, kv_heads: int) -> None:
    model = load(make_model(num_key_value_heads=kv_heads))
    lengths = (150, 3, 64, 65)
    texts = [some_tokens(model, length, seed=n) for n, length in enumerate(lengths)]
    first = [length // 2 for length in lengths]
    exact = side_by_side(model, texts, first)
    half = side_by_side(model, texts, first, [2, 0, 3, 5], torch.float16)
    for one, other in zip(exact, half, strict=True):
        assert (one - other).square().mean().sqrt() < 5e-3 * one.std()


def test_entries_after_the_end_of_a_row_have_no_effect(make_model: MakeModel) -> None:
    model = load(make_model())
    tokens = some_tokens(model, 12)
    clean, dirty = (cache_of(model.config, 2, 40) for _ in range(2))
    for pair in dirty.layers:
        for one in pair:
            one.fill_(torch.nan)
    outputs = []
    for cache in (clean, dirty):
        with torch.inference_mode():
            first = model(tokens[:9], cache.prefill(0, 9))
            then = [model(tokens[n : n + 1], cache.decode([0])) for n in range(9, 12)]
        outputs.append(torch.cat([first, *then]))
    assert torch.equal(*outputs)


LENGTHS, FIRST = (75, 12, 75, 70, 14, 75), (62, 5, 62, 58, 1, 62)


@INTEGERS
@pytest.mark.parametrize("cache_dtype", USED, ids=str)
@pytest.mark.parametrize(
    "changes",
    [{}, {"num_key_value_heads": 6}, {"num_key_value_heads": 1, "tie_word_embeddings": True}],
    ids=["2 of 6", "6 of 6", "1 of 6, tied"],
)
def test_rows_side_by_side_are_bit_identical_to_rows_alone(
    make_model: MakeModel, precision: str, cache_dtype: torch.dtype, changes: dict[str, object]
) -> None:
    model = load(make_model(**changes), precision)
    texts = [some_tokens(model, length, seed=n) for n, length in enumerate(LENGTHS)]
    alone = [
        side_by_side(model, [text], [first], cache_dtype=cache_dtype)[0]
        for text, first in zip(texts, FIRST, strict=True)
    ]

    def check(chosen: Sequence[int], rows: Sequence[int]) -> None:
        some = [texts[n] for n in chosen]
        logits = side_by_side(model, some, [FIRST[n] for n in chosen], rows, cache_dtype)
        assert all(torch.equal(one, alone[n]) for n, one in zip(chosen, logits, strict=True))

    check(range(6), range(6))
    check([4, 2, 5, 0, 1, 3], [5, 3, 1, 0, 2, 4])  # in another order and other rows
    check([0, 2, 5], [0, 1, 2])  # all of one length
    check([5, 1], [7, 2])  # with rows between them


def step(model: Llama, count: int, cache: KVCache, tokens: torch.Tensor) -> torch.Tensor:
    return model.logits(model(tokens[:count], cache.decode(range(count))))


@INTEGERS
@pytest.mark.parametrize("cache_dtype", USED, ids=str)
@pytest.mark.parametrize("before", [0, 1, 31, 300])
def test_a_row_is_bit_identical_beside_any_number_of_rows(
    files: ModelFiles, precision: str, cache_dtype: torch.dtype, before: int
) -> None:
    model = load(files, precision)
    tokens = some_tokens(model, before)
    logits = []
    for count in (1, 2, 20):
        cache = cache_of(model.config, count, before + 3, cache_dtype)
        with torch.inference_mode():
            for row in range(count if before else 0):
                model(tokens, cache.prefill(row, before))
            steps = [step(model, count, cache, torch.full((count,), n)) for n in (5, 9, 7)]
        logits.append(torch.stack(steps))
        # All rows have the same content, so their results are equal.
        assert torch.equal(logits[-1], logits[-1][:, :1].expand_as(logits[-1]))
    assert all(torch.equal(one[:, 0], logits[0][:, 0]) for one in logits)
