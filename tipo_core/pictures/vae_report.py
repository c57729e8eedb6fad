"""What Load VAE tells about the VAE that it loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LoadedVae:
    """What there is to tell. `size` is the bytes of the tensors that were read from the files."""

    choice: str
    path: Path
    kind: str
    latent_channels: int
    downscale: float
    time_downscale: int | None
    files: int
    size: int
    stored: Sequence[str]
    precision: str
    asked: str
    usual: Sequence[str]
    device: str
    offload_device: str
    decodes_only: bool


def vae_report(vae: LoadedVae) -> str:
    """The report: source, kind, files, precision, devices; then what may surprise."""
    downscale = f"downscale {vae.downscale:g}"
    if vae.time_downscale:
        downscale += f", {vae.time_downscale} in time"
    files = "1 file" if vae.files == 1 else f"{vae.files} files"
    lines = [
        f"{vae.choice}: {vae.path}",
        f"{vae.kind}, {vae.latent_channels} latent channels, {downscale}",
        f"{files}, {_megabytes(vae.size)} of tensors in {', '.join(vae.stored)}",
        f"precision {vae.precision}" + (" (auto)" if vae.asked == "auto" else ""),
        f"device {vae.device}, kept on {vae.offload_device} while idle",
    ]
    if vae.decodes_only:
        lines.append("The file has no encoder: use it for decoding alone.")
    # Asked for by name: auto is one of them, or what an option of ComfyUI's command line says.
    if vae.asked != "auto" and vae.precision not in vae.usual:
        lines.append(
            f"ComfyUI itself runs this VAE in {' or '.join(vae.usual)}: black or broken pictures "
            f"are possible in {vae.precision}."
        )
    if vae.precision == "fp16" and vae.device == "cpu":
        lines.append(
            "Most CPUs have no fp16 arithmetic and can take a hundred times as long: choose "
            "bf16 or fp32 there."
        )
    return "\n".join(lines)


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
