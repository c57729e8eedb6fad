"""VAEs in the folder layout of diffusers: finds the folders, and the files of the weights.

A VAE folder has a config.json and diffusion_pytorch_model*.safetensors: one file, or shards with an
index. In a pipeline's folder it is the subfolder vae/. Folder names come from workflows and file
names from the index: neither may lead out of its folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from .vae_choice import is_safetensors

CONFIG = "config.json"
PIPELINE = "model_index.json"
PIPELINE_VAE = "vae"
_WEIGHTS = "diffusion_pytorch_model"
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.")
# Old and new versions of diffusers place the variant (fp16) differently in the index's name.
_INDEX = re.compile(rf"{_WEIGHTS}(\.\w+)?\.safetensors\.index(\.\w+)?\.json")
# Every VAE class of diffusers has one of these in its name.
_VAE_CLASSES = ("autoencoder", "vae", "vqmodel")


@dataclass(frozen=True)
class VaeFolder:
    """The files of a VAE. `shards` is tensor -> file name, from the index."""

    config: Path
    weights: tuple[Path, ...]
    index: Path | None = None
    shards: dict[str, str] | None = None


def vae_folder_names(roots: Iterable[Path]) -> list[str]:
    """Names of the folders below the roots that have a VAE, or a pipeline with a VAE.

    A name is the path from the root, with `/` on every system. Folders with an unreadable config
    are included: loading one raises an error that names the fault.
    """
    return sorted({name for root in roots for name in _names_below(root)})


def _names_below(root: Path) -> Iterator[str]:
    seen = set()
    for path, subfolders, files in os.walk(root, followlinks=True):
        folder = Path(path)
        real = os.path.realpath(folder)
        # A link may lead to a parent: no folder is walked twice.
        below = [] if real in seen else sorted(subfolders)
        seen.add(real)
        subfolders[:] = [name for name in below if not name.startswith(".")]
        if folder == root:
            continue
        if PIPELINE in files:
            subfolders.clear()  # the other parts of a pipeline look like VAEs
            folder_of_vae = folder / PIPELINE_VAE
        else:
            folder_of_vae = folder
        if _may_hold_vae(folder_of_vae):
            yield folder.relative_to(root).as_posix()


def _may_hold_vae(folder: Path) -> bool:
    if not os.path.isfile(folder / CONFIG) or not _weight_names(folder):
        return False
    try:
        return _class_problem(read_json(folder / CONFIG)) is None
    except ValueError:
        return True


def _weight_names(folder: Path) -> list[str]:
    """Names of the weights that need no unpickling, and of their indexes."""
    return sorted(
        name
        for name in os.listdir(folder)
        if name.startswith(_WEIGHTS) and (is_safetensors(name) or _INDEX.fullmatch(name))
    )


def find_vae_folder(name: str, roots: Sequence[Path]) -> Path:
    """Find the folder of a name in the menu: the one that should have the config.json.

    Of several roots, the first with a VAE in that folder is used, else the first with that folder.
    Raises ValueError if no root has the folder, or if the name leads out of a root.
    """
    parts = name.split("/")
    leaves = ".." in parts or name.startswith(("/", "\\")) or PureWindowsPath(name).drive
    if leaves or "\\" in name or not name.strip("/. "):
        raise ValueError(
            f"VAE folder {name!r} is not a path below models/vae or models/diffusers: choose a "
            "folder from the menu."
        )
    there = [root.joinpath(*parts) for root in roots if os.path.isdir(root.joinpath(*parts))]
    if not there:
        raise ValueError(
            f"VAE folder {name!r} was not found. Put it into models/vae or models/diffusers and "
            "refresh the page."
        )
    holders = [
        folder / PIPELINE_VAE if os.path.isfile(folder / PIPELINE) else folder for folder in there
    ]
    return next((folder for folder in holders if _may_hold_vae(folder)), holders[0])


def files_of_folder(folder: Path) -> VaeFolder:
    """Return the files of a VAE folder.

    Full precision is preferred to a variant (fp16), and one file to shards. Raises ValueError that
    names the missing file, the wrong file found instead, or the error in the index.
    """
    if not os.path.isdir(folder):
        raise ValueError(
            f"The pipeline '{folder.parent.name}' has no subfolder '{folder.name}': download it."
        )
    config = folder / CONFIG
    if not os.path.isfile(config):
        raise ValueError(
            f"The folder '{folder.name}' has no {CONFIG}: download it into the folder, or choose "
            "another VAE."
        )
    if problem := _class_problem(read_json(config)):
        raise ValueError(
            f"The folder '{folder.name}' is not a VAE that ComfyUI can load: {problem}"
        )
    names = _weight_names(folder)
    indexes = [name for name in names if _INDEX.fullmatch(name)]
    whole = [name for name in names if name not in indexes and not _SHARD.search(name)]
    # The name of a whole file is the start of its index's name and sorts before it.
    first = min([*whole, *indexes], key=lambda name: (_has_variant(name), name), default=None)
    if first is None:
        raise ValueError(_no_weights_problem(folder, shards=names))
    if first in whole:
        return VaeFolder(config, (folder / first,))
    index = folder / first
    shards = shards_of_index(index)
    weights = tuple(folder / name for name in sorted(set(shards.values())))
    for path in weights:
        if not os.path.isfile(path):
            raise ValueError(
                f"The shard '{path.name}' that '{index.name}' names is missing in the folder "
                f"'{folder.name}': download it into the folder."
            )
    return VaeFolder(config, weights, index, shards)


def _has_variant(name: str) -> bool:
    return name not in (f"{_WEIGHTS}.safetensors", f"{_WEIGHTS}.safetensors.index.json")


def _no_weights_problem(folder: Path, shards: list[str]) -> str:
    wanted = f"The folder '{folder.name}' has no {_WEIGHTS}.safetensors"
    if shards:
        return (
            f"{wanted}, but shards of one ('{shards[0]}') without their index "
            f"{_WEIGHTS}.safetensors.index.json: download it into the folder."
        )
    pickle = next((name for name in sorted(os.listdir(folder)) if name.startswith(_WEIGHTS)), None)
    if pickle:
        return (
            f"{wanted}, but '{pickle}', a pickle, which can run code when opened: convert it to "
            ".safetensors, or download the .safetensors file."
        )
    return f"{wanted}: download it into the folder."


def _class_problem(config: dict[str, Any]) -> str | None:
    """The reason that ComfyUI cannot load the class in a config as a VAE, or None."""
    name = config.get("_class_name")
    if not isinstance(name, str):
        return None
    if name == "AutoencoderTiny":
        return (
            f"{CONFIG} says {name}. Put the same model as taesd_encoder.safetensors and "
            "taesd_decoder.safetensors into models/vae_approx (as taesdxl_, taesd3_ or taef1_ for "
            "other model families) and choose it by that name."
        )
    if any(part in name.lower() for part in _VAE_CLASSES):
        return None
    return f"{CONFIG} says {name}, which is not a VAE. Choose another folder."


def shards_of_index(path: Path) -> dict[str, str]:
    """Read an index: tensor -> file name.

    Raises ValueError if the file is not an index, or if a file name is not the plain name of
    a .safetensors file: no folder, no drive, no parent.
    """
    shards = read_json(path).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise ValueError(f"'{path.name}' has no weight_map: download the file again.")
    for file in shards.values():
        if not isinstance(file, str) or not is_safetensors(file):
            raise ValueError(
                f"'{path.name}' names {file!r}, which is not a .safetensors file: download the "
                "repository's .safetensors files and their index."
            )
        if re.search(r"[/\\:\0]", file):
            raise ValueError(
                f"'{path.name}' names '{file}', a file outside its folder, which is not read: "
                "download the index again from a source that you trust."
            )
    return shards


def read_json(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file. Raises ValueError if that fails."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"'{path.name}' of the folder '{path.parent.name}' cannot be read as JSON ({error}): "
            "download it again."
        ) from error
    if not isinstance(found, dict):
        raise ValueError(
            f"'{path.name}' of the folder '{path.parent.name}' is not a JSON object: download it "
            "again."
        )
    return found
