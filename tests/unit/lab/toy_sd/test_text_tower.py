"""The text encoder made from a seed: its numbers, and the heads that look back."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from lab.toy_sd.model import clip_model as text_model
from lab.toy_sd.model import counter_random, text_tower
from lab.toy_sd.model.counter_random import normal_like, whole_numbers


def split_mix(name: str, place: int) -> int:
    """Return SplitMix64's finaliser of a counter, in whole numbers of Python."""
    low = (1 << 64) - 1
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    z = (start + place * 0x9E3779B97F4A7C15) & low
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & low
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & low
    return z ^ (z >> 31)


def test_numbers_are_those_of_splitmix64() -> None:
    # The first numbers of its generator from state 0, whose counter is one step ahead.
    assert [split_mix_of_state_0(n) for n in (1, 2, 3)] == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]
    assert whole_numbers("a name", 7, 5).tolist() == [split_mix("a name", n) for n in range(7, 12)]


def split_mix_of_state_0(place: int) -> int:
    low = (1 << 64) - 1
    z = (place * 0x9E3779B97F4A7C15) & low
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & low
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & low
    return z ^ (z >> 31)


def test_values_are_the_centred_sum_of_four_parts() -> None:
    place = counter_random._CHUNK + 1  # in the second chunk
    number = split_mix("w", place)
    total = sum((number >> shift) & 0xFFFF for shift in (0, 16, 32, 48)) - 131070
    value = normal_like("w", (2, counter_random._CHUNK), 0.5)[1, 1]
    assert value == np.float16(total * (0.5 / np.sqrt((65536**2 - 1) / 3)))


def test_values_have_mean_0_and_the_standard_deviation_asked_for() -> None:
    values = normal_like("x", (300, 300), 0.25).astype(np.float64)
    assert values.dtype == np.float64 and abs(values.mean()) < 0.003
    assert abs(values.std() - 0.25) < 0.002
    assert abs(np.corrcoef(values[:-1].ravel(), values[1:].ravel())[0, 1]) < 0.02
    assert not np.array_equal(values, normal_like("y", (300, 300), 0.25))


def test_heads_of_the_first_layer_look_back() -> None:
    weights = text_tower._attention("a", 0)
    query, key = (
        torch.from_numpy(weights[f"a.{name}.weight"].astype(np.float32))
        for name in ("q_proj", "k_proj")
    )
    # The position's part of the normed vectors.
    place = torch.zeros(60, text_tower.WIDTH)
    place[torch.arange(60), 704 + torch.arange(60)] = 8.0
    logits = [
        (place @ part.T).unflatten(-1, (text_tower.HEADS, -1)).transpose(0, 1)
        for part in (query, key)
    ]
    scores = (logits[0] @ logits[1].mT / 8).masked_fill(torch.ones(60, 60).triu(1).bool(), -1e9)
    looked_at = scores.softmax(-1)
    for head, back in enumerate((1, 1, 1, 1, 1, 1, 1, 2, 2)):
        for position in range(back, 60):
            assert looked_at[head, position, position - back] > 0.99
    assert looked_at[9:].max(-1).values[:, 30:].mean() < 0.5


def test_nothing_writes_over_the_places() -> None:
    for layer in (0, 1):
        assert not text_tower._attention("a", layer)["a.out_proj.weight"][704:].any()


def test_an_encoder_that_came_out_different_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_tower, "_made", lambda: {"x": np.zeros(3, np.float16)})
    with pytest.raises(RuntimeError, match="differ with numpy"):
        text_tower.text_tower()


def test_a_folder_without_the_vocabulary_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="sd1_tokenizer of a ComfyUI"):
        text_model.clip_tokenizer(tmp_path)
