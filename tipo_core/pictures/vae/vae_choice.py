"""The menu of Load VAE, and the errors about a choice. Works on names; no file is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CHECKPOINT_CHOICE = "checkpoint: "
DIFFUSERS_CHOICE = "diffusers: "
# The VAE at the input `connected_vae`, loaded by another node.
CONNECTED_CHOICE = "connected VAE"
SAFETENSORS_SUFFIXES = (".safetensors", ".sft")
# Scale and shift from the latents of a TAESD pair to those of its model family (core's VAELoader).
TAESD_SCALES = {
    "taesd": (0.18215, 0.0),
    "taesdxl": (0.13025, 0.0),
    "taesd3": (1.5305, 0.0609),
    "taef1": (0.3611, 0.1159),
}
_HALVES = ("encoder", "decoder")
_PICKLE = (
    "is not a .safetensors file. Other formats are pickles, which can run code when opened: "
    "convert the file to .safetensors"
)


@dataclass(frozen=True)
class VaeSources:
    """File names in models/vae, models/checkpoints and models/vae_approx, and diffusers folders.

    They include files that the menu does not offer, such as pickles.
    """

    files: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    approx: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def choices(self) -> list[str]:
        """Entries of the menu: VAE files, diffusers folders, TAESD pairs, VAEs of checkpoints."""
        return [
            *(name for name in self.files if is_safetensors(name)),
            *(DIFFUSERS_CHOICE + name for name in self.folders),
            *(name for name in TAESD_SCALES if all(taesd_files(name, self.approx))),
            *(CHECKPOINT_CHOICE + name for name in self.checkpoints if is_safetensors(name)),
            CONNECTED_CHOICE,
        ]


def is_safetensors(name: str) -> bool:
    """Whether the file is read without unpickling, which can run code from the file."""
    return name.lower().endswith(SAFETENSORS_SUFFIXES)


def taesd_files(name: str, approx: Iterable[str]) -> tuple[str | None, str | None]:
    """Encoder and decoder file of a TAESD pair; None for a missing half."""
    found = [file for file in approx if is_safetensors(file)]
    encoder, decoder = (
        next((file for file in found if file.startswith(f"{name}_{half}.")), None)
        for half in _HALVES
    )
    return encoder, decoder


def choice_problem(choice: str, sources: VaeSources) -> str | None:
    """Return the reason that a choice is not available, with the remedy, or None.

    Diffusers folders are checked by `diffusers_folder.find_vae_folder`.
    """
    choices = sources.choices()
    if choice in choices:
        return None
    if not choice:
        return (
            "No VAE is chosen. Put a .safetensors file into models/vae and refresh the page. "
            f"{or_choose(choices)}"
        )
    if choice in TAESD_SCALES:
        return f"{_taesd_problem(choice, sources.approx)} {or_choose(choices)}"
    if not is_safetensors(choice):
        return f"VAE {choice!r} {_PICKLE}. {or_choose(choices)}"
    folder = "models/checkpoints" if choice.startswith(CHECKPOINT_CHOICE) else "models/vae"
    return (
        f"VAE {choice!r} was not found. Put the file into {folder} and refresh the page. "
        f"{or_choose(choices)}"
    )


def or_choose(choices: Sequence[str]) -> str:
    """The last sentence of an error: the other choices."""
    offered = ", ".join(f"'{name}'" for name in choices[:8]) or "none"
    more = f" and {len(choices) - 8} more" if len(choices) > 8 else ""
    return f"Or choose one of those found: {offered}{more}."


def _taesd_problem(name: str, approx: Sequence[str]) -> str:
    found = []
    for half, file in zip(_HALVES, taesd_files(name, approx), strict=True):
        if file:
            found.append(f"'{file}' was found")
            continue
        other = next((file for file in approx if file.startswith(f"{name}_{half}.")), None)
        found.append(f"'{other}' {_PICKLE}" if other else f"'{name}_{half}.safetensors' is missing")
    return (
        f"The TAESD pair '{name}' is not complete in models/vae_approx: {', '.join(found)}. Put "
        "the missing file there and refresh the page."
    )
