"""Load VAE: core's VAE from a file, a checkpoint, a diffusers folder or a TAESD pair, checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.diffusers_convert
import comfy.ldm.models.autoencoder
import comfy.model_management
import comfy.sd
import comfy.taesd.taesd
import comfy.utils
import folder_paths
import torch
from comfy_api.latest import io, ui
from safetensors import SafetensorError, safe_open

from ...tipo_core.pictures.vae.diffusers_folder import (
    VaeFolder,
    files_of_folder,
    find_vae_folder,
    vae_folder_names,
)
from ...tipo_core.pictures.vae.load_report import LoadedVae, vae_report
from ...tipo_core.pictures.vae.vae_choice import (
    CHECKPOINT_CHOICE,
    CONNECTED_CHOICE,
    DIFFUSERS_CHOICE,
    TAESD_SCALES,
    VaeSources,
    choice_problem,
    incomplete_problem,
    is_safetensors,
    lacks_encoder,
    not_a_vae_problem,
    or_choose,
    taesd_files,
    vae_tensor_names,
)
from ...tipo_core.pictures.vae.vae_precision import AUTO, DTYPES, precision_name, vae_dtype
from ..fingerprint import state_of
from ..host_features import schema

# By which ComfyUI tells the names of diffusers.
_DIFFUSERS_NAME = "decoder.up_blocks.0.resnets.0.norm1.weight"
# Kinds whose modules start with undefined weights, so that what a file lacks is noise.
_CHECKED_KINDS = (
    comfy.ldm.models.autoencoder.AbstractAutoencoder,
    comfy.taesd.taesd.TAESD,
)


def found_sources() -> VaeSources:
    """What ComfyUI's folders hold now."""
    return VaeSources(
        files=tuple(folder_paths.get_filename_list("vae")),
        checkpoints=tuple(folder_paths.get_filename_list("checkpoints")),
        approx=tuple(folder_paths.get_filename_list("vae_approx")),
        folders=tuple(vae_folder_names(folder_roots())),
    )


def folder_roots() -> list[Path]:
    """Where diffusers folders are looked for; of one name, the first that holds a VAE is taken."""
    return [
        Path(path) for name in ("vae", "diffusers") for path in folder_paths.get_folder_paths(name)
    ]


@dataclass(frozen=True)
class VaeFiles:
    """The files behind a menu entry: weights to read, and what lies beside them."""

    path: Path
    weights: tuple[Path, ...]
    beside: tuple[Path, ...] = ()
    shards: dict[str, str] | None = None


def files_of(choice: str) -> VaeFiles:
    """The files behind a menu entry. Raises ValueError where there are none that can be read."""
    if is_safetensors(choice) and choice in folder_paths.get_filename_list("vae"):
        # The usual case, without a look at all the folders.
        path = _full_path("vae", choice)
        return VaeFiles(path, (path,))
    found = found_sources()
    if choice.startswith(DIFFUSERS_CHOICE):
        try:
            path = find_vae_folder(choice.removeprefix(DIFFUSERS_CHOICE), folder_roots())
            folder = files_of_folder(path)
        except ValueError as error:
            raise ValueError(f"{error} {or_choose(found.choices())}") from error
        return VaeFiles(path, folder.weights, _beside(folder), folder.shards)
    if problem := choice_problem(choice, found):
        raise ValueError(problem)
    if choice in TAESD_SCALES:
        names = [name for name in taesd_files(choice, found.approx) if name]
        pair = tuple(_full_path("vae_approx", name) for name in names)
        return VaeFiles(pair[0].parent, pair)
    path = _full_path("checkpoints", choice.removeprefix(CHECKPOINT_CHOICE))
    return VaeFiles(path, (path,))


def _beside(folder: VaeFolder) -> tuple[Path, ...]:
    return (folder.config, folder.index) if folder.index else (folder.config,)


def _full_path(folder: str, name: str) -> Path:
    return Path(folder_paths.get_full_path_or_raise(folder, name))


@dataclass(frozen=True)
class Tensors:
    """What was read: tensors by their name in the VAE, all names in the files, the metadata.

    `size` is in bytes and `stored` names the dtypes, both as the tensors lie in the files.
    """

    state: dict[str, torch.Tensor]
    names: list[str]
    metadata: dict[str, str] | None
    size: int
    stored: tuple[str, ...]


def read_tensors(choice: str, files: VaeFiles) -> Tensors:
    """The tensors behind a menu entry; from a checkpoint only the VAE's own are read.

    Raises ValueError for a file that is damaged, and for a shard without a tensor that the index
    promises, naming the file.
    """
    state: dict[str, torch.Tensor] = {}
    all_names: list[str] = []
    all_metadata = []
    for path in files.weights:
        try:
            if choice.startswith(CHECKPOINT_CHOICE):
                with safe_open(path, framework="pt") as file:
                    names, metadata = list(file.keys()), file.metadata()
                    inside = vae_tensor_names(names)
                    wanted = {name: file.get_tensor(stored) for name, stored in inside.items()}
            else:
                wanted, metadata = comfy.utils.load_torch_file(
                    str(path), safe_load=True, return_metadata=True
                )
                names = list(wanted)
        except (SafetensorError, OSError, ValueError) as error:
            # Newer cores add advice of their own and the full path.
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ValueError(
                f"VAE '{choice}' cannot be read ('{path.name}': {reason}): the file is damaged or "
                "incomplete. Download it again, or choose another."
            ) from error
        _check_shard(path, names, files.shards or {})
        prefix = _taesd_prefix(choice, path)
        state.update({prefix + name: tensor for name, tensor in wanted.items()})
        all_names += names
        all_metadata.append(metadata)
    size = sum(tensor.nbytes for tensor in state.values())
    stored = tuple(dict.fromkeys(precision_name(tensor.dtype) for tensor in state.values()))
    if choice in TAESD_SCALES:
        scale, shift = TAESD_SCALES[choice]
        state |= {"vae_scale": torch.tensor(scale), "vae_shift": torch.tensor(shift)}
    return Tensors(state, all_names, all_metadata[0], size, stored)


def _check_shard(path: Path, names: list[str], shards: dict[str, str]) -> None:
    there = set(names)
    absent = [t for t, file in shards.items() if file == path.name and t not in there]
    if absent:
        raise ValueError(
            f"The shard '{path.name}' lacks '{absent[0]}', which the index says is in it: the "
            "shard is of another download. Download the folder again."
        )


def _taesd_prefix(choice: str, path: Path) -> str:
    if choice not in TAESD_SCALES:
        return ""
    half = "encoder" if path.name.startswith(f"{choice}_encoder.") else "decoder"
    return f"taesd_{half}."


def load_vae(choice: str, precision: str = AUTO) -> tuple[comfy.sd.VAE, str]:
    """ComfyUI's VAE for a menu entry, and the report.

    Raises ValueError for files that are damaged, incomplete or hold no VAE, saying what was found
    in them, and for a precision that the device cannot compute in.
    """
    dtype = vae_dtype(precision, comfy.model_management.vae_device())
    files = files_of(choice)
    tensors = read_tensors(choice, files)
    state, names = tensors.state, tensors.names
    if not state:
        raise ValueError(not_a_vae_problem(choice, names))
    try:
        vae = comfy.sd.VAE(sd=state, dtype=dtype, metadata=tensors.metadata)
    except (KeyError, IndexError, AttributeError, RuntimeError, ValueError) as error:
        # ComfyUI took the names for a VAE's and then missed a tensor, or met another shape.
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
    """The VAE of another node as it is, and the report.

    Raises ValueError where there is none, and for a precision, which it has already.
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
            "of models/vae_approx, or only the VAE that is inside a checkpoint.",
            inputs=[
                io.Combo.Input(
                    "vae_name",
                    options=found_sources().choices(),
                    tooltip="A .safetensors file of models/vae; 'diffusers: NAME' for a folder of "
                    "models/vae or models/diffusers; taesd, taesdxl, taesd3 or taef1 for a pair of "
                    "models/vae_approx; 'checkpoint: NAME' for the VAE inside that checkpoint; "
                    "'connected VAE' passes on the VAE of that input.",
                ),
                io.Combo.Input(
                    "precision",
                    options=list(DTYPES),
                    default=AUTO,
                    optional=True,
                    tooltip="Number format that the VAE computes in. auto is ComfyUI's choice. "
                    "fp32 is exact, bf16 takes half the memory. fp16 can give black pictures with "
                    "the VAEs of SD1.x and SDXL, and is very slow on most CPUs.",
                ),
                io.Vae.Input(
                    "connected_vae",
                    optional=True,
                    tooltip="A VAE that another node has loaded, such as the one of Load "
                    "Checkpoint. It is used where vae_name is 'connected VAE'.",
                ),
            ],
            outputs=[
                io.Vae.Output("vae", display_name="vae", tooltip="For VAE Decode and VAE Encode."),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="What was loaded from where: kind of VAE, files, size, precision, "
                    "devices.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, vae_name: str | None) -> bool | str:
        # A linked value is None here and is checked when the node runs.
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
            files = files_of(vae_name or "")
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
