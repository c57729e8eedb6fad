from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tipo_core.pictures.vae.load_report import LoadedVae, vae_report

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
    source, kind, files, precision, device = vae_report(VAE).splitlines()
    assert source == "taesd: models"
    assert kind.startswith("TAESD") and "4 latent channels" in kind and "downscale 8" in kind
    assert "2 files" in files and "4.9 MB" in files and "fp16, fp32" in files
    assert precision.startswith("precision bf16") and "auto" in precision
    assert "device cuda:0" in device and "cpu while idle" in device


def test_a_connected_vae_has_no_files_to_tell() -> None:
    vae = replace(VAE, choice="connected VAE", path=None, files=0, size=0, stored=())
    source, kind, precision, device = vae_report(vae).splitlines()
    assert source.startswith("connected VAE") and "another node" in source
    assert kind.startswith("TAESD") and device.startswith("device")
    assert precision.startswith("precision bf16") and "auto" not in precision


def test_video_vae_has_a_downscale_in_time() -> None:
    video = replace(VAE, time_downscale=4, downscale=16, files=1, size=2_500_000_000)
    kind, files = vae_report(video).splitlines()[1:3]
    assert "downscale 16" in kind and "4 in time" in kind
    assert "1 file," in files and "2.50 GB" in files


def test_report_warns_of_precision_and_missing_encoder() -> None:
    asked = vae_report(replace(VAE, precision="fp16", asked="fp16", decodes_only=True))
    assert "precision fp16" in asked.splitlines()
    assert "no encoder" in asked and "black or broken pictures are possible in fp16" in asked
    assert "CPU" not in asked
    assert "Most CPUs have no fp16" in vae_report(replace(VAE, precision="fp16", device="cpu"))
    assert "possible" not in vae_report(replace(VAE, precision="bf16", asked="bf16"))
    # A precision set by an option of ComfyUI's command line needs no warning.
    assert "possible" not in vae_report(replace(VAE, precision="fp16"))
