from __future__ import annotations

import pytest
import torch

from tipo_core.pictures.vae.vae_precision import DTYPES, dtype_problem, precision_name, vae_dtype

CPU = torch.device("cpu")


def test_precision_is_a_dtype_and_auto_is_none() -> None:
    for name, dtype in DTYPES.items():
        assert vae_dtype(name, CPU) is dtype
    assert DTYPES["auto"] is None
    assert [precision_name(d) for d in (torch.float32, torch.float8_e5m2)] == [
        "fp32",
        "float8_e5m2",
    ]
    with pytest.raises(ValueError, match="'int8' is unknown: choose auto, fp32, bf16, fp16"):
        vae_dtype("int8", CPU)


def test_a_dtype_that_the_device_cannot_compute_in_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "the device cpu cannot compute in it" in (dtype_problem(torch.float8_e5m2, CPU) or "")
    monkeypatch.setitem(DTYPES, "fp16", torch.float8_e5m2)
    with pytest.raises(ValueError, match=r"precision fp16: the device cpu .* Choose auto or fp32"):
        vae_dtype("fp16", CPU)
