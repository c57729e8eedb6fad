"""The report of Load VAE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...report_lines import warning
from ...units import bytes_text


@dataclass(frozen=True)
class LoadedVae:
    """A loaded VAE. `size` is the number of bytes of the tensors read from its files.

    `precision` is the number format in use, `asked` the one chosen in the menu, `usual` those in
    which ComfyUI runs this kind of VAE. `path` is None for a VAE that another node loaded: its
    files are unknown.
    """

    choice: str
    path: Path | None
    kind: str
    latent_channels: int
    downscale: float
    time_downscale: int | None
    precision: str
    usual: Sequence[str]
    device: str
    offload_device: str
    asked: str = "auto"
    files: int = 0
    size: int = 0
    stored: Sequence[str] = ()
    decodes_only: bool = False


def vae_report(vae: LoadedVae) -> str:
    """Report source, kind, files, precision and devices, then warnings."""
    downscale = f"downscale {vae.downscale:g}"
    if vae.time_downscale:
        downscale += f", {vae.time_downscale} in time"
    kind = f"{vae.kind}, {vae.latent_channels} latent channels, {downscale}"
    if vae.path is None:
        lines = [f"{vae.choice}, loaded by another node", kind]
    else:
        files = "1 file" if vae.files == 1 else f"{vae.files} files"
        size = f"{files}, {bytes_text(vae.size)} of tensors in {', '.join(vae.stored)}"
        lines = [f"{vae.choice}: {vae.path}", kind, size]
    lines += [
        f"precision {vae.precision}" + (" (auto)" if vae.path and vae.asked == "auto" else ""),
        f"device {vae.device}, kept on {vae.offload_device} while idle",
    ]
    if vae.decodes_only:
        lines.append("The file has no encoder: use it for decoding only.")
    # "auto" needs no warning: it is a usual format, or set by an option of ComfyUI's command line.
    if vae.asked != "auto" and vae.precision not in vae.usual:
        lines.append(
            warning(
                f"ComfyUI itself runs this VAE in {' or '.join(vae.usual)}: black or broken "
                f"pictures are possible in {vae.precision}."
            )
        )
    if vae.precision == "fp16" and vae.device == "cpu":
        lines.append(
            warning(
                "Most CPUs have no fp16 arithmetic and can take a hundred times as long: choose "
                "bf16 or fp32 there."
            )
        )
    return "\n".join(lines)
