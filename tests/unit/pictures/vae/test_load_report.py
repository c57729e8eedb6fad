from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tipo_core.pictures.vae.load_report import LoadedVae, vae_report
from tipo_core.pictures.vae.vae_precision import DTYPES, dtype_problem, precision_name, vae_dtype

CPU = torch.device("cpu")
VAE = LoadedVae(
    choice="taesd",
    path=Path("models"),
    kind="TAESD",
    latent_channels=4,
    downscale=8,
    time_downscale=None,
    files=2,
    size=4_900_000,
    stored=("fp16", "fp32"),
    precision="bf16",
    asked="auto",
    usual=("bf16", "fp32"),
    device="cuda:0",
    offload_device="cpu",
    decodes_only=False,
)


def test_report_tells_source_kind_files_precision_and_devices() -> None:
    assert vae_report(VAE).splitlines() == [
        "taesd: models",
        "TAESD, 4 latent channels, downscale 8",
        "2 files, 4.9 MB of tensors in fp16, fp32",
        "precision bf16 (auto)",
        "device cuda:0, kept on cpu while idle",
    ]


def test_a_connected_vae_has_no_files_to_tell() -> None:
    vae = replace(VAE, choice="connected VAE", path=None, files=0, size=0, stored=())
    assert vae_report(vae).splitlines() == [
        "connected VAE, loaded by another node",
        "TAESD, 4 latent channels, downscale 8",
        "precision bf16",
        "device cuda:0, kept on cpu while idle",
    ]


def test_report_warns_of_what_may_surprise() -> None:
    video = replace(VAE, time_downscale=4, downscale=16, files=1, size=2_500_000_000)
    assert vae_report(video).splitlines()[1:3] == [
        "TAESD, 4 latent channels, downscale 16, 4 in time",
        "1 file, 2.50 GB of tensors in fp16, fp32",
    ]
    asked = vae_report(replace(VAE, precision="fp16", asked="fp16", decodes_only=True))
    assert asked.splitlines()[3:4] == ["precision fp16"]
    assert "no encoder" in asked and "black or broken pictures are possible in fp16" in asked
    assert "CPU" not in asked
    assert "Most CPUs have no fp16" in vae_report(replace(VAE, precision="fp16", device="cpu"))
    # What an option of ComfyUI's command line says is not doubted.
    assert "possible" not in vae_report(replace(VAE, precision="fp16"))


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
