"""VAE files and latents, told apart by names and shapes; nothing is loaded here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

CHECKPOINT_CHOICE = "checkpoint: "
SAFETENSORS_SUFFIXES = (".safetensors", ".sft")
# Where checkpoints keep their VAE: first_stage_model (SD1.x, SDXL, SD3, Flux), vae (most others).
CHECKPOINT_VAE_PREFIXES = ("first_stage_model.", "vae.")


def is_safetensors(name: str) -> bool:
    """Whether the file can be read without unpickling, which could run code from the file."""
    return name.lower().endswith(SAFETENSORS_SUFFIXES)


def vae_choices(vae_files: Iterable[str], checkpoint_files: Iterable[str]) -> list[str]:
    """Entries of the menu: VAE files by name, then the VAE inside each checkpoint."""
    return [name for name in vae_files if is_safetensors(name)] + [
        CHECKPOINT_CHOICE + name for name in checkpoint_files if is_safetensors(name)
    ]


def choice_problem(choice: str, choices: Sequence[str]) -> str | None:
    """Why `choice` cannot be loaded and what to do; None where it can."""
    if choice in choices:
        return None
    if not choice:
        return "No VAE is chosen: put a .safetensors VAE into models/vae, or choose a checkpoint."
    if not is_safetensors(choice):
        return (
            f"VAE '{choice}' is not a .safetensors file. Other formats are pickles, which can run "
            "code when opened: convert the file to .safetensors, or choose another VAE."
        )
    folder = "models/checkpoints" if choice.startswith(CHECKPOINT_CHOICE) else "models/vae"
    offered = ", ".join(f"'{name}'" for name in choices[:8]) or "none"
    return (
        f"VAE '{choice}' was not found. Put the file into {folder} and refresh the page, or choose "
        f"one of those found: {offered}."
    )


def vae_tensor_names(names: Iterable[str]) -> dict[str, str]:
    """The VAE's tensors inside a checkpoint: name in the VAE -> name in the file; may be empty."""
    names = list(names)
    for prefix in CHECKPOINT_VAE_PREFIXES:
        found = {name[len(prefix) :]: name for name in names if name.startswith(prefix)}
        if found:
            return found
    return {}


def tensor_summary(names: Iterable[str]) -> str:
    """What a file holds, for an error: "1131 tensors: model (686), cond_stage_model (197)"."""
    counts = Counter(name.split(".", 1)[0] for name in names)
    if not counts:
        return "no tensors"
    shown = [f"{prefix} ({count})" for prefix, count in counts.most_common(4)]
    if len(counts) > len(shown):
        shown.append("...")
    return f"{counts.total()} tensors: {', '.join(shown)}"


def not_a_vae_problem(choice: str, names: Sequence[str]) -> str:
    """The error for a readable file in which ComfyUI finds no VAE."""
    found = f"'{choice}' holds {tensor_summary(names)}"
    if choice.startswith(CHECKPOINT_CHOICE):
        return (
            f"This checkpoint includes no VAE: {found}; none is named first_stage_model. or vae. "
            "Choose a VAE file from models/vae made for the same model family."
        )
    if vae_tensor_names(names):
        return (
            f"This file is a whole checkpoint, not a VAE: {found}. Move it to models/checkpoints "
            f"and choose '{CHECKPOINT_CHOICE}{choice}'."
        )
    return (
        f"This file is not a VAE: {found}. Choose a VAE made for the model family of your "
        "checkpoint, or the VAE inside the checkpoint itself."
    )


def channel_problem(vae_channels: int, latent_shape: Sequence[int]) -> str | None:
    """Why a latent (B, C, ...) does not fit the VAE; None where it does."""
    channels = latent_shape[1]
    if channels == vae_channels:
        return None
    return (
        f"The VAE decodes {vae_channels} latent channels, the latent has {channels} (shape "
        f"{' x '.join(map(str, latent_shape))}): choose a VAE made for the model that drew the "
        "latent. SD1.x, SD2.x and SDXL use 4 channels; SD3, Flux and most video models 16."
    )
