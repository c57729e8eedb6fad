"""Load VAE: core's VAE from a file, checkpoint, diffusers folder or TAESD pair, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.diffusers_convert
import comfy.ldm.models.autoencoder
import comfy.sd
import comfy.taesd.taesd
from comfy_api.latest import io, ui

from ...tipo_core.pictures.vae.load_report import LoadedVae, vae_report
from ...tipo_core.pictures.vae.vae_choice import (
    CONNECTED_CHOICE,
)
from ...tipo_core.pictures.vae.vae_precision import AUTO, DTYPES, precision_name, vae_dtype
from ...tipo_core.pictures.vae.vae_tensors import (
    incomplete_problem,
    lacks_encoder,
    not_a_vae_problem,
)
from ..fingerprint import state_of
from ..host_features import schema
from ..inputs import report_output
from ..memory import vae_device
from .vae_files import files_of, read_tensors, vae_sources

# ComfyUI recognises diffusers' names of tensors by this one.
_DIFFUSERS_NAME = "decoder.up_blocks.0.resnets.0.norm1.weight"
# Models whose weights are undefined until they are loaded: a missing tensor would be noise.
_CHECKED_KINDS = (
    comfy.ldm.models.autoencoder.AbstractAutoencoder,
    comfy.taesd.taesd.TAESD,
)


def load_vae(choice: str, precision: str = AUTO) -> tuple[comfy.sd.VAE, str]:
    """Return ComfyUI's VAE of a menu entry and the report.

    Raises ValueError for a precision that the device does not support, and for files that are
    damaged, incomplete or hold no VAE, with a description of their content.
    """
    dtype = vae_dtype(precision, vae_device())
    files = files_of(choice)
    tensors = read_tensors(choice, files)
    state, names = tensors.state, tensors.names
    if not state:
        raise ValueError(not_a_vae_problem(choice, names))
    try:
        vae = comfy.sd.VAE(sd=state, dtype=dtype, metadata=tensors.metadata)
    except (KeyError, IndexError, AttributeError, RuntimeError, ValueError) as error:
        # ComfyUI recognised a VAE by some names, but a tensor is missing or has another shape.
        raise ValueError(f"{not_a_vae_problem(choice, names)} ({error})") from error
    if vae.first_stage_model is None:
        raise ValueError(not_a_vae_problem(choice, names))
    expected = [name for name, _ in vae.first_stage_model.named_parameters()]
    given = state.keys()
    if _DIFFUSERS_NAME in given:
        given |= comfy.diffusers_convert.convert_vae_state_dict(state).keys()
    is_checked = isinstance(vae.first_stage_model, _CHECKED_KINDS)
    if is_checked and (problem := incomplete_problem(choice, expected, given)):
        raise ValueError(problem)
    return vae, _report(
        vae,
        choice,
        files.path,
        asked=precision,
        files=len(files.weights),
        size=tensors.size,
        stored=tensors.stored,
        decodes_only=is_checked and lacks_encoder(expected, given),
    )


def passed_on(vae: comfy.sd.VAE | None, precision: str) -> tuple[comfy.sd.VAE, str]:
    """Return the VAE of another node, unchanged, and the report.

    Raises ValueError if no VAE is connected, and for a precision: the VAE is loaded already.
    """
    if vae is None or vae.first_stage_model is None:
        raise ValueError(
            f"vae_name is '{CONNECTED_CHOICE}', and the input connected_vae "
            f"{'is not connected' if vae is None else 'is empty: the checkpoint holds no VAE'}. "
            "Choose a VAE in vae_name, or connect one."
        )
    if precision != AUTO:
        raise ValueError(
            f"A connected VAE keeps its precision, {precision_name(vae.vae_dtype)}: set precision "
            f"to {AUTO}, or choose the VAE's file or checkpoint in vae_name."
        )
    return vae, _report(vae, CONNECTED_CHOICE, None)


def _report(vae: comfy.sd.VAE, choice: str, path: Path | None, **of_files: Any) -> str:
    return vae_report(
        LoadedVae(
            choice=choice,
            path=path,
            kind=type(vae.first_stage_model).__name__,
            latent_channels=vae.latent_channels,
            downscale=vae.spacial_compression_encode(),
            time_downscale=vae.temporal_compression_decode(),
            precision=precision_name(vae.vae_dtype),
            usual=[precision_name(dtype) for dtype in vae.working_dtypes],
            device=str(vae.patcher.load_device),
            offload_device=str(vae.patcher.offload_device),
            **of_files,
        )
    )


class TipoLoadVae(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoLoadVae",
            display_name="Load VAE",
            category="TIPO/latent",
            search_aliases=["vae loader", "taesd", "diffusers vae", "vae from checkpoint"],
            advanced=["precision"],
            shows_report=True,
            description="Loads a VAE from models/vae, from a diffusers folder, from a TAESD pair "
            "in models/vae_approx, or only the VAE that is inside a checkpoint.",
            inputs=[
                io.Combo.Input(
                    "vae_name",
                    options=vae_sources().choices(),
                    tooltip="A .safetensors file of models/vae; 'diffusers: NAME' for a folder of "
                    "models/vae or models/diffusers; taesd, taesdxl, taesd3 or taef1 for a pair in "
                    "models/vae_approx; 'checkpoint: NAME' for the VAE inside that checkpoint; "
                    "'connected VAE' for the VAE of the input connected_vae.",
                ),
                io.Combo.Input(
                    "precision",
                    options=list(DTYPES),
                    default=AUTO,
                    optional=True,
                    tooltip="Number format of the VAE's computation. auto is ComfyUI's choice. "
                    "fp32 is exact, bf16 needs half the memory. fp16 can give black pictures with "
                    "the VAEs of SD1.x and SDXL, and is very slow on most CPUs.",
                ),
                io.Vae.Input(
                    "connected_vae",
                    optional=True,
                    tooltip="A VAE loaded by another node, such as Load Checkpoint. Used if "
                    "vae_name is 'connected VAE'.",
                ),
            ],
            outputs=[
                io.Vae.Output("vae", display_name="vae", tooltip="For VAE Decode and VAE Encode."),
                report_output(
                    "Source and kind of the VAE, number and size of its files, precision and "
                    "devices."
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, vae_name: str | None) -> bool | str:
        # A linked value is None here; it is checked when the node runs.
        if vae_name not in (None, CONNECTED_CHOICE):
            try:
                files_of(vae_name)
            except ValueError as error:
                return str(error)
        return True

    @classmethod
    def fingerprint_inputs(
        cls, vae_name: str | None, precision: str = AUTO, connected_vae: Any = None
    ) -> object:
        try:
            files = files_of("" if vae_name is None else vae_name)
            return state_of((*files.weights, *files.beside))
        except (ValueError, OSError):
            return ""

    @classmethod
    def execute(
        cls, vae_name: str, precision: str = AUTO, connected_vae: Any = None
    ) -> io.NodeOutput:
        if vae_name == CONNECTED_CHOICE:
            vae, report = passed_on(connected_vae, precision)
        else:
            vae, report = load_vae(vae_name, precision)
        return io.NodeOutput(vae, report, ui=ui.PreviewText(report))


NODES = [TipoLoadVae]
