"""What has been read of some rows: it grows, is cut and copied, and a row never sees another."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from tipo_core.lm.checkpoint import ModelFiles
from tipo_core.lm.config import LlamaConfig
from tipo_core.lm.kv_cache import KVCache, RowReading, Step
from tipo_core.lm.llama import Llama

from .conftest import MakeModel
from .passes import CPU, load, side_by_side, some_tokens

INTEGERS = pytest.mark.parametrize("precision", ["auto", "int8"])


@pytest.fixture
def config(files: ModelFiles) -> LlamaConfig:
    return LlamaConfig.read(files.config)


def cache_of(config: LlamaConfig, rows: int, capacity: int) -> KVCache:
    return KVCache(config, rows, capacity, CPU, torch.float32)


def put(cache: KVCache, row: int, tokens: torch.Tensor) -> None:
    """Write `tokens` (`N`), as keys and, halved, as values, behind what a row holds."""
    reading = RowReading(cache, row, len(tokens))
    shape = len(tokens), cache.config.num_key_value_heads, cache.config.head_dim
    keys = tokens[:, None, None].expand(shape)
    queries = torch.zeros(len(tokens), cache.config.num_attention_heads, shape[2])
    for layer in range(cache.config.num_hidden_layers):
        reading.attend(layer, queries, keys, keys / 2)


def held(cache: KVCache, row: int) -> list[float]:
    """The tokens of a row, which must be the same in every layer and head."""
    length = cache.lengths[row]
    for keys, values in cache.layers:
        assert torch.equal(keys[row, :, :length] / 2, values[row, :, :length])
        same = keys[row, :1, :length, :1].expand_as(keys[row, :, :length])
        assert torch.equal(keys[row, :, :length], same)
        assert torch.equal(keys[row, :, :length], cache.layers[0][0][row, :, :length])
    return cache.layers[0][0][row, 0, :length, 0].tolist()  # type: ignore[no-any-return]


def test_a_cache_grows_and_forgets(config: LlamaConfig) -> None:
    cache = cache_of(config, 3, 2)
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


def test_a_row_is_copied_as_far_as_asked(config: LlamaConfig) -> None:
    cache = cache_of(config, 2, 4)
    put(cache, 0, torch.tensor([1.0, 2.0, 3.0]))
    put(cache, 1, torch.tensor([9.0]))
    cache.copy(0, 1, 2)
    put(cache, 1, torch.tensor([4.0]))
    assert held(cache, 0) == [1, 2, 3] and held(cache, 1) == [1, 2, 4]


def test_what_cannot_be_is_an_error(config: LlamaConfig) -> None:
    cache = cache_of(config, 1, 4)
    with pytest.raises(AssertionError, match="cache of 4 tokens asked to hold 5"):
        RowReading(cache, 0, 5)
    RowReading(cache, 0, 4)
    with pytest.raises((AssertionError, IndexError)):
        Step(cache, [0])
    with pytest.raises(AssertionError, match="row of 4 tokens cut to 5"):
        cache.cut(0, 5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_size_of_a_cache_is_known_beforehand(config: LlamaConfig, dtype: torch.dtype) -> None:
    # 3 layers, keys and values, 2 heads of 8, 5 rows of 100 tokens
    size = KVCache.size_in_bytes(config, 5, 100, dtype)
    assert size == 3 * 2 * 2 * 8 * 5 * 100 * dtype.itemsize
    cache = KVCache(config, 5, 100, CPU, dtype)
    assert sum(one.nbytes for pair in cache.layers for one in pair) == size


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
            first = model.read(tokens[:9], RowReading(cache, 0, 9))
            then = [model.read(tokens[n : n + 1], Step(cache, [0])) for n in range(9, 12)]
        outputs.append(torch.cat([first, *then]))
    assert torch.equal(*outputs)


LENGTHS, FIRST = (25, 12, 25, 20, 18, 25), (12, 5, 12, 5, 1, 12)


@INTEGERS
@pytest.mark.parametrize("cache_dtype", [torch.float32, torch.bfloat16], ids=str)
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
    check([4, 2, 5, 0, 1, 3], range(6))  # in another order
    check(range(6), [5, 3, 1, 0, 2, 4])  # in other rows
    check([0, 2, 5], [0, 1, 2])  # all of one length
    check([5, 1], [7, 2])  # with rows between them


def step(model: Llama, count: int, cache: KVCache, tokens: torch.Tensor) -> torch.Tensor:
    return model.logits(model.read(tokens[:count], Step(cache, range(count))))


@INTEGERS
@pytest.mark.parametrize("cache_dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("before", [0, 1, 31, 300])
def test_a_row_is_bit_for_bit_the_same_beside_any_number(
    files: ModelFiles, precision: str, cache_dtype: torch.dtype, before: int
) -> None:
    model = load(files, precision)
    tokens = some_tokens(model, before)
    logits = []
    for count in (1, 2, 20):
        cache = KVCache(model.config, count, before + 3, CPU, cache_dtype, torch.float32)
        with torch.inference_mode():
            for row in range(count if before else 0):
                model.read(tokens, RowReading(cache, row, before))
            steps = [step(model, count, cache, torch.full((count,), n)) for n in (5, 9, 7)]
        logits.append(torch.stack(steps))
        # All rows hold the same, so that all come out the same.
        assert torch.equal(logits[-1], logits[-1][:, :1].expand_as(logits[-1]))
    assert all(torch.equal(one[:, 0], logits[0][:, 0]) for one in logits)
