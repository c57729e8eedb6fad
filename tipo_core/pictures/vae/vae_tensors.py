"""The VAE among the tensors of a file, by their names, and the errors about missing tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .vae_choice import CHECKPOINT_CHOICE

# Where checkpoints keep their VAE: first_stage_model (SD1.x, SDXL, SD3, Flux), vae (most others).
CHECKPOINT_VAE_PREFIXES = ("first_stage_model.", "vae.")
_DECODER_PARTS = ("decoder.", "post_quant_conv.", "taesd_decoder.")
_ENCODER_PARTS = ("encoder.", "quant_conv.", "taesd_encoder.")


def vae_tensor_names(names: Iterable[str]) -> dict[str, str]:
    """Return the VAE's tensors in a checkpoint: name in the VAE -> name in the file."""
    names = list(names)
    for prefix in CHECKPOINT_VAE_PREFIXES:
        found = {name[len(prefix) :]: name for name in names if name.startswith(prefix)}
        if found:
            return found
    return {}


def tensor_summary(names: Iterable[str]) -> str:
    """Summarise a file for an error: "1131 tensors: model (686), cond_stage_model (197)"."""
    counts = Counter(name.split(".", 1)[0] for name in names)
    if not counts:
        return "no tensors"
    shown = [f"{prefix} ({count})" for prefix, count in counts.most_common(4)]
    if len(counts) > len(shown):
        shown.append("...")
    return f"{counts.total()} tensors: {', '.join(shown)}"


def not_a_vae_problem(choice: str, names: Sequence[str]) -> str:
    """Return the error for a readable file in which ComfyUI finds no VAE."""
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
    """Return the reason that a VAE which expects some tensors cannot work with those given.

    ComfyUI loads such a file and decodes with uninitialised memory. A VAE without any tensor of its
    encoder is allowed: some files are for decoding only.
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
        f"the {len(expected)} tensors that ComfyUI needs are missing, for example '{missing[0]}'. "
        "Download it again, or choose another VAE."
    )


def lacks_encoder(expected: Iterable[str], given: Iterable[str]) -> bool:
    """Whether the model expects an encoder but no tensor of it is given: it can only decode."""
    given = set(given)
    encoder = [name for name in expected if name.startswith(_ENCODER_PARTS)]
    return bool(encoder) and not any(name in given for name in encoder)
