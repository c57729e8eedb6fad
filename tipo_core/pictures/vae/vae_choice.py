"""What the menu of VAEs offers, and what is wrong with a choice; told by names, nothing is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CHECKPOINT_CHOICE = "checkpoint: "
DIFFUSERS_CHOICE = "diffusers: "
# Passes on the VAE that another node has loaded.
CONNECTED_CHOICE = "connected VAE"
SAFETENSORS_SUFFIXES = (".safetensors", ".sft")
# Where checkpoints keep their VAE: first_stage_model (SD1.x, SDXL, SD3, Flux), vae (most others).
CHECKPOINT_VAE_PREFIXES = ("first_stage_model.", "vae.")
# Scale and shift between a pair's latents and those of its model family, as in core's VAELoader.
TAESD_SCALES = {
    "taesd": (0.18215, 0.0),
    "taesdxl": (0.13025, 0.0),
    "taesd3": (1.5305, 0.0609),
    "taef1": (0.3611, 0.1159),
}
_HALVES = ("encoder", "decoder")
_DECODER_PARTS = ("decoder.", "post_quant_conv.", "taesd_decoder.")
_ENCODER_PARTS = ("encoder.", "quant_conv.", "taesd_encoder.")
_PICKLE = (
    "is not a .safetensors file. Other formats are pickles, which can run code when opened: "
    "convert the file to .safetensors"
)


@dataclass(frozen=True)
class VaeSources:
    """Names found in models/vae, models/checkpoints and models/vae_approx, and diffusers folders.

    The names of files are as the folders list them, those that are not offered included.
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
    """Whether the file can be read without unpickling, which could run code from the file."""
    return name.lower().endswith(SAFETENSORS_SUFFIXES)


def taesd_files(name: str, approx: Iterable[str]) -> tuple[str | None, str | None]:
    """Encoder and decoder file of a TAESD pair, None for a half that is not there."""
    found = [file for file in approx if is_safetensors(file)]
    encoder, decoder = (
        next((file for file in found if file.startswith(f"{name}_{half}.")), None)
        for half in _HALVES
    )
    return encoder, decoder


def choice_problem(choice: str, sources: VaeSources) -> str | None:
    """Why a choice that is no diffusers folder is not there and what to do; None where it is."""
    choices = sources.choices()
    if choice in choices:
        return None
    if not choice:
        return "No VAE is chosen: put a .safetensors VAE into models/vae, or choose a checkpoint."
    if choice in TAESD_SCALES:
        return f"{_taesd_problem(choice, sources.approx)} {or_choose(choices)}"
    if not is_safetensors(choice):
        return f"VAE '{choice}' {_PICKLE}. {or_choose(choices)}"
    folder = "models/checkpoints" if choice.startswith(CHECKPOINT_CHOICE) else "models/vae"
    return (
        f"VAE '{choice}' was not found. Put the file into {folder} and refresh the page. "
        f"{or_choose(choices)}"
    )


def or_choose(choices: Sequence[str]) -> str:
    """The end of an error: what there is to choose instead."""
    offered = ", ".join(f"'{name}'" for name in choices[:8]) or "none"
    more = f" and {len(choices) - 8} more" if len(choices) > 8 else ""
    return f"Or choose one of those found: {offered}{more}."


def _taesd_problem(name: str, approx: Sequence[str]) -> str:
    there = []
    for half, file in zip(_HALVES, taesd_files(name, approx), strict=True):
        if file:
            there.append(f"'{file}' is there")
            continue
        other = next((file for file in approx if file.startswith(f"{name}_{half}.")), None)
        there.append(f"'{other}' {_PICKLE}" if other else f"'{name}_{half}.safetensors' is missing")
    return (
        f"The TAESD pair '{name}' is not complete in models/vae_approx: {', '.join(there)}. Put "
        "what is missing there and refresh the page."
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
    """The error for readable files in which ComfyUI finds no VAE."""
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
        f"This is not a VAE that ComfyUI knows: {found}. Choose a VAE made for the model family of "
        "your checkpoint, or the VAE inside the checkpoint itself."
    )


def incomplete_problem(choice: str, expected: Iterable[str], given: Iterable[str]) -> str | None:
    """Why a VAE of the model's `expected` tensors cannot work with those `given`.

    ComfyUI loads such a file all the same and decodes with whatever was in the memory. A VAE whose
    encoder is absent as a whole is no problem: there are files for decoding alone.
    """
    expected, given = list(expected), set(given)
    missing = [name for name in expected if name.startswith(_DECODER_PARTS) and name not in given]
    if not lacks_encoder(expected, given):
        missing += [
            name for name in expected if name.startswith(_ENCODER_PARTS) and name not in given
        ]
    if not missing:
        return None
    return (
        f"VAE '{choice}' is incomplete, or of a form that ComfyUI does not know: {len(missing)} of "
        f"the {len(expected)} tensors that ComfyUI needs are not in it, '{missing[0]}' for one. "
        "Download it again, or choose another."
    )


def lacks_encoder(expected: Iterable[str], given: Iterable[str]) -> bool:
    """Whether the model has an encoder of which no tensor is given: it can only decode."""
    given = set(given)
    encoder = [name for name in expected if name.startswith(_ENCODER_PARTS)]
    return bool(encoder) and not any(name in given for name in encoder)
