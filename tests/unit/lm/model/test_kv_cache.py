"""What has been read of some rows: it grows, is cut and copied, and a row never sees another."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from tipo_core.lm.files.loader import ModelFiles
from tipo_core.lm.kernels.fp16_linear import is_half_fast
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.model.fp16_kv_cache import BLOCK, HalfCache
from tipo_core.lm.model.kv_cache import KVCache
from tipo_core.lm.model.llama import Llama

from ..conftest import MakeModel
from ..passes import cache_of, load, side_by_side, some_tokens

INTEGERS = pytest.mark.parametrize("precision", ["auto", "int8"])
KINDS = [torch.float32, torch.bfloat16, *[torch.float16] * is_half_fast()]
# What models whose rows are computed side by side are used with.
USED = [torch.float32, *[torch.float16] * is_half_fast()]
CACHES = pytest.mark.parametrize("kind", KINDS, ids=str)


@pytest.fixture
def config(files: ModelFiles) -> LlamaConfig:
    return LlamaConfig.read(files.config)


def put(cache: KVCache, row: int, tokens: torch.Tensor) -> None:
    """Write `tokens` (`N`), as keys and, halved, as values, behind what a row holds."""
    reading = cache.reading(row, len(tokens))
    shape = len(tokens), cache.config.num_key_value_heads, cache.config.head_dim
    keys = tokens[:, None, None].expand(shape)
    queries = torch.zeros(len(tokens), cache.config.num_attention_heads, shape[2])
    for layer in range(cache.config.num_hidden_layers):
        reading.attend(layer, queries, keys, keys / 2)


def held(cache: KVCache, row: int) -> list[float]:
    """The tokens of a row, which must be the same in every layer and head."""
    length = cache.lengths[row]
    found = []
    for keys, values in cache.layers:
        if isinstance(cache, HalfCache):
            keys = keys.transpose(3, 4).flatten(2, 3)
        assert torch.equal(keys[row, :, :length] / 2, values[row, :, :length])
        same = keys[row, :1, :length, :1].expand_as(keys[row, :, :length])
        assert torch.equal(keys[row, :, :length], same)
        found.append(keys[row, 0, :length, 0].tolist())
    assert all(one == found[0] for one in found)
    return list(found[0])


@CACHES
def test_a_cache_grows_and_forgets(config: LlamaConfig, kind: torch.dtype) -> None:
    cache = cache_of(config, 3, 2, kind)
    put(cache, 1, torch.tensor([1.0, 2.0]))
    cache.reserve(6)
    assert cache.capacity == 6 and cache.lengths == [0, 2, 0]
    put(cache, 1, torch.tensor([3.0]))
    put(cache, 2, torch.tensor([7.0, 8.0, 9.0]))
    assert held(cache, 1) == [1, 2, 3] and held(cache, 2) == [7, 8, 9]
    cache.cut(1, 1)
    put(cache, 1, torch.tensor([4.0, 5.0]))
    assert held(cache, 1) == [1, 4, 5] and held(cache, 2) == [7, 8, 9]
    cache.reserve(3)
    assert cache.capacity == 6
    cache.cut(1, 0)
    assert held(cache, 1) == [] and held(cache, 2) == [7, 8, 9]


@CACHES
def test_a_long_row_keeps_all_it_has_read(config: LlamaConfig, kind: torch.dtype) -> None:
    tokens = torch.arange(1.0, 210.0)
    cache = cache_of(config, 2, 70, kind)
    done = 0
    for count in (1, 62, 2, 0, 64, 80):
        cache.reserve(max(done + count, 1))
        put(cache, 1, tokens[done : done + count])
        done += count
        assert held(cache, 1) == tokens[:done].tolist()
    cache.copy(1, 0, 130)
    assert held(cache, 0) == tokens[:130].tolist()
    cache.cut(1, 65)
    put(cache, 1, torch.tensor([250.0, 251.0]))
    assert held(cache, 1) == [*tokens[:65].tolist(), 250, 251]
    assert held(cache, 0) == tokens[:130].tolist()


@CACHES
def test_a_row_is_copied_as_far_as_asked(config: LlamaConfig, kind: torch.dtype) -> None:
    cache = cache_of(config, 2, 4, kind)
    put(cache, 0, torch.tensor([1.0, 2.0, 3.0]))
    put(cache, 1, torch.tensor([9.0]))
    cache.copy(0, 1, 2)
    put(cache, 1, torch.tensor([4.0]))
    assert held(cache, 0) == [1, 2, 3] and held(cache, 1) == [1, 2, 4]


@CACHES
def test_what_cannot_be_is_an_error(config: LlamaConfig, kind: torch.dtype) -> None:
    cache = cache_of(config, 1, 4, kind)
    with pytest.raises(AssertionError, match="cache of 4 tokens asked to hold 5"):
        cache.reading(0, 5)
    cache.reading(0, 4)
    with pytest.raises((AssertionError, IndexError)):
        cache.step([0])
    with pytest.raises(AssertionError, match="row of 4 tokens cut to 5"):
        cache.cut(0, 5)


@CACHES
def test_the_size_of_a_cache_is_known_beforehand(config: LlamaConfig, kind: torch.dtype) -> None:
    # 3 layers, keys and values, 2 heads of 8, 5 rows of two blocks
    capacity = 2 * BLOCK
    size = KVCache.size_in_bytes(config, 5, capacity, kind)
    assert size == 3 * 2 * 2 * 8 * 5 * capacity * kind.itemsize
    cache = cache_of(config, 5, capacity, kind)
    assert sum(one.nbytes for pair in cache.layers for one in pair) == size


@pytest.mark.skipif(not is_half_fast(), reason="this processor has no kernel for half precision")
@pytest.mark.parametrize("kv_heads", [1, 2, 6])
def test_half_precision_attends_to_what_floats_attend_to(
    make_model: MakeModel, kv_heads: int
) -> None:
    model = load(make_model(num_key_value_heads=kv_heads))
    lengths = (150, 3, 64, 65)
    texts = [some_tokens(model, length, seed=n) for n, length in enumerate(lengths)]
    first = [length // 2 for length in lengths]
    exact = side_by_side(model, texts, first)
    half = side_by_side(model, texts, first, [2, 0, 3, 5], torch.float16)
    for one, other in zip(exact, half, strict=True):
        assert (one - other).square().mean().sqrt() < 5e-3 * one.std()


def test_what_is_behind_a_row_is_never_seen(make_model: MakeModel) -> None:
    model = load(make_model())
    tokens = some_tokens(model, 12)
    clean, dirty = (cache_of(model.config, 2, 40) for _ in range(2))
    for pair in dirty.layers:
        for one in pair:
            one.fill_(torch.nan)
    outputs = []
    for cache in (clean, dirty):
        with torch.inference_mode():
            first = model.read(tokens[:9], cache.reading(0, 9))
            then = [model.read(tokens[n : n + 1], cache.step([0])) for n in range(9, 12)]
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
def test_rows_of_integers_are_bit_for_bit_those_alone(
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
    return model.logits(model.read(tokens[:count], cache.step(range(count))))


@INTEGERS
@pytest.mark.parametrize("cache_dtype", USED, ids=str)
@pytest.mark.parametrize("before", [0, 1, 31, 300])
def test_a_row_is_bit_for_bit_the_same_beside_any_number(
    files: ModelFiles, precision: str, cache_dtype: torch.dtype, before: int
) -> None:
    model = load(files, precision)
    tokens = some_tokens(model, before)
    logits = []
    for count in (1, 2, 20):
        cache = cache_of(model.config, count, before + 3, cache_dtype)
        with torch.inference_mode():
            for row in range(count if before else 0):
                model.read(tokens, cache.reading(row, before))
            steps = [step(model, count, cache, torch.full((count,), n)) for n in (5, 9, 7)]
        logits.append(torch.stack(steps))
        # All rows hold the same, so that all come out the same.
        assert torch.equal(logits[-1], logits[-1][:, :1].expand_as(logits[-1]))
    assert all(torch.equal(one[:, 0], logits[0][:, 0]) for one in logits)
