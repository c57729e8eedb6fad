"""Packed weights of toy-sd: int8 matrices within half a step, all other tensors unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from lab.toy_sd.model import packing

RANDOM = np.random.default_rng(0)
WEIGHTS = {
    "model.diffusion_model.conv.weight": RANDOM.normal(0, 0.1, (40, 16, 3, 3)).astype(np.float16),
    "model.diffusion_model.conv.bias": RANDOM.normal(0, 1, 40).astype(np.float16),
    "model.diffusion_model.small.weight": RANDOM.normal(0, 1, (8, 8)).astype(np.float16),
    "first_stage_model.conv.weight": RANDOM.normal(0, 1, (64, 64, 3, 3)).astype(np.float16),
}


def test_large_matrices_are_int8_and_all_else_comes_back_to_the_last_bit() -> None:
    small = packing.packed(WEIGHTS)
    name = "model.diffusion_model.conv.weight"
    assert small[name].dtype == np.int8 and small[name].shape == (40, 16, 3, 3)
    assert small[name + packing.SCALE].shape == (40,)
    back = packing.unpacked(small)
    assert back.keys() == WEIGHTS.keys()
    for other in WEIGHTS.keys() - {name}:
        assert np.array_equal(back[other], WEIGHTS[other])
    assert all(value.dtype == np.float16 for value in back.values())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-6, 3))
def test_an_error_is_at_most_half_a_step_of_its_row(seed: int, power: float) -> None:
    rows = np.random.default_rng(seed).normal(0, 1, (16, 300)) * 10.0**power
    rows[3] = 0
    rows = rows.astype(np.float16)
    name = "model.diffusion_model.x"
    back = packing.unpacked(packing.packed({name: rows}))[name].astype(np.float64)
    step = np.abs(rows.astype(np.float64)).max(axis=1, keepdims=True) / 127
    # fp16 rounds once more: to 11 bits, and to 6e-8 where it is subnormal.
    assert (np.abs(back - rows) <= step * (0.5 + 127 / 2048) + 6e-8).all()
    assert not back[3].any()


def test_a_checkpoint_is_the_weights_and_the_text_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "text_tower", lambda: {"tower": np.ones(2, np.float16)})
    save_file(packing.packed(WEIGHTS), tmp_path / "packed.safetensors")
    packing.make_checkpoint(tmp_path / "packed.safetensors", tmp_path / "whole.safetensors")
    assert load_file(tmp_path / "whole.safetensors").keys() == WEIGHTS.keys() | {"tower"}


@pytest.mark.parametrize("fault", ["no safetensors", "a scale is missing"])
def test_a_file_that_holds_something_else_is_an_error(tmp_path: Path, fault: str) -> None:
    file = tmp_path / "packed.safetensors"
    small = packing.packed(WEIGHTS)
    del small["model.diffusion_model.conv.weight" + packing.SCALE]
    file.write_bytes(b"git-lfs") if fault == "no safetensors" else save_file(small, file)
    with pytest.raises(ValueError, match="does not hold the packed weights of toy-sd"):
        packing.make_checkpoint(file, tmp_path / "whole.safetensors")
    assert not (tmp_path / "whole.safetensors").exists()
