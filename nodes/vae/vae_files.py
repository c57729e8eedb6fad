"""The files of each entry in Load VAE's menu, and the tensors in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import comfy.utils
import folder_paths
import torch
from safetensors import SafetensorError, safe_open

from ...tipo_core.pictures.vae.diffusers_folder import (
    VaeFolder,
    files_of_folder,
    find_vae_folder,
    vae_folder_names,
)
from ...tipo_core.pictures.vae.vae_choice import (
    CHECKPOINT_CHOICE,
    DIFFUSERS_CHOICE,
    TAESD_SCALES,
    VaeSources,
    choice_problem,
    is_safetensors,
    or_choose,
    taesd_files,
)
from ...tipo_core.pictures.vae.vae_precision import precision_name
from ...tipo_core.pictures.vae.vae_tensors import vae_tensor_names


def vae_sources() -> VaeSources:
    """Return the VAE files, checkpoints, TAESD files and diffusers folders of ComfyUI's paths."""
    return VaeSources(
        files=tuple(folder_paths.get_filename_list("vae")),
        checkpoints=tuple(folder_paths.get_filename_list("checkpoints")),
        approx=tuple(folder_paths.get_filename_list("vae_approx")),
        folders=tuple(vae_folder_names(folder_roots())),
    )


def listed_checkpoints() -> list[str]:
    """Return the safetensors checkpoints as ComfyUI lists them."""
    return [name for name in folder_paths.get_filename_list("checkpoints") if is_safetensors(name)]


def folder_roots() -> list[Path]:
    """Return the parents of diffusers folders; the first one that has a name with a VAE wins."""
    return [
        Path(path) for name in ("vae", "diffusers") for path in folder_paths.get_folder_paths(name)
    ]


@dataclass(frozen=True)
class VaeFiles:
    """The files of a menu entry: the weights, and the configuration and index beside them.

    `shards` maps the names of tensors to the file that holds them.
    """

    path: Path
    weights: tuple[Path, ...]
    beside: tuple[Path, ...] = ()
    shards: dict[str, str] | None = None


def files_of(choice: str) -> VaeFiles:
    """Return the files of a menu entry. Raises ValueError with the choices if there are none."""
    if not isinstance(choice, str):  # a graph may hold any value
        raise ValueError(f"vae_name is {choice!r}, not a name: choose one from the menu.")
    if is_safetensors(choice) and choice in folder_paths.get_filename_list("vae"):
        # The usual case: do not scan all folders.
        path = _full_path("vae", choice)
        return VaeFiles(path, (path,))
    found = vae_sources()
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
    """The tensors of a VAE by name, all names in its files, and the metadata of the first file.

    `size` in bytes and the dtypes `stored` are those in the files.
    """

    state: dict[str, torch.Tensor]
    names: list[str]
    metadata: dict[str, str] | None
    size: int
    stored: tuple[str, ...]


def read_tensors(choice: str, files: VaeFiles) -> Tensors:
    """Return the tensors of a menu entry; from a checkpoint only those of the VAE are read.

    Raises ValueError with the file's name for a damaged file, and for a shard without a tensor
    that the index lists.
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
            # Keep the first line: newer cores add advice and the full path.
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ValueError(
                f"VAE '{choice}' cannot be read ('{path.name}': {reason}): the file is damaged or "
                "incomplete. Download it again, or choose another VAE."
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
    present = set(names)
    absent = [t for t, file in shards.items() if file == path.name and t not in present]
    if absent:
        raise ValueError(
            f"The shard '{path.name}' lacks '{absent[0]}', which the index lists for it: the shard "
            "belongs to another download. Download the folder again."
        )


def _taesd_prefix(choice: str, path: Path) -> str:
    if choice not in TAESD_SCALES:
        return ""
    half = "encoder" if path.name.startswith(f"{choice}_encoder.") else "decoder"
    return f"taesd_{half}."
