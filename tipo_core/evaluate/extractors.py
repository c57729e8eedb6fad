"""Feature extractors for pictures: `pixels:SIDE`, `timm:NAME` or a model of transformers.

Weights come from safetensors files only, code that is part of a model is never run, and nothing is
downloaded unless the caller allows that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from ..optional_imports import require

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST_PIXELS = 128
_FORMS = "the name or folder of a Hugging Face model, timm:NAME, timm:NAME@FILE or pixels:SIDE"


@dataclass(frozen=True)
class Extractor:
    """Computes features of pictures.

    `name` is for reports; `identity` differs between extractors whose features may differ.
    `prepare` turns an RGB picture into a tensor (...) and must be thread-safe; `features` turns a
    batch (B, ...) of these into (B, D) in float32. All tensors are on the CPU.
    """

    name: str
    identity: str
    prepare: Callable[[Image], torch.Tensor]
    features: Callable[[torch.Tensor], torch.Tensor]


def load_extractor(name: str, device: str = "auto", download: bool = False) -> Extractor:
    """Return the extractor `name` on `device` (a device of torch, or auto).

    `name` is a Hugging Face model or its folder, timm:NAME, timm:NAME@FILE or pixels:SIDE.
    `download` allows fetching a model that is not on this machine; local files come first. Raises
    ValueError for a wrong name or device, OSError for a model that is missing or cannot be read,
    RuntimeError for a missing package.
    """
    kind, _, rest = name.partition(":")
    if kind == "pixels":
        return _pixels(rest)
    place = _device(device)
    if kind == "timm":
        return _timm(rest, place, download)
    return _transformers(name, place, download)


def _pixels(side: str) -> Extractor:
    if not side.isascii() or not side.isdigit() or not 1 <= int(side) <= _MOST_PIXELS:
        raise ValueError(f"'pixels:{side}' is unknown: write pixels:1 to pixels:{_MOST_PIXELS}")
    size = (int(side), int(side))

    def prepare(picture: Image) -> torch.Tensor:
        from PIL import Image

        shrunk = picture.resize(size, Image.Resampling.BOX)
        return torch.frombuffer(bytearray(shrunk.tobytes()), dtype=torch.uint8)

    # Scaled to -1..1, where no 8-bit colour is 0: every picture has a direction, which Vendi needs.
    name = f"pixels:{int(side)}"
    return Extractor(name, name, prepare, lambda batch: batch.float() / 127.5 - 1)


def _transformers(name: str, device: torch.device, download: bool) -> Extractor:
    transformers = require("transformers")
    if not name.strip():
        raise ValueError(f"--features is empty: give {_FORMS}")

    def load(local: bool) -> tuple[Any, Any, Any]:
        processor = transformers.AutoImageProcessor.from_pretrained(
            name, local_files_only=local, trust_remote_code=False
        )
        model, info = transformers.AutoModel.from_pretrained(
            name,
            local_files_only=local,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
        return processor, model, info

    is_folder = Path(name).is_dir()
    try:
        processor, model, info = _local_first(load, download and not is_folder)
    except (OSError, ValueError) as error:
        raise OSError(_not_loaded(name, error, is_folder, download)) from error
    # A pooler that the file lacks has random weights.
    missing = set(info["missing_keys"])
    without_pooler = any("pooler." in key for key in missing)
    untrained = sorted(key for key in missing if "pooler." not in key)
    if untrained:
        raise OSError(
            f"{name} lacks {len(untrained)} weights, such as {untrained[0]}: get all files of the "
            "model"
        )
    model = model.to(device, torch.float32).eval()

    def prepare(picture: Image) -> torch.Tensor:
        return processor(images=picture, return_tensors="pt")["pixel_values"][0]

    def features(batch: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return _pooled(model, batch.to(device), without_pooler).float().cpu()

    revision = getattr(model.config, "_commit_hash", None) or ""
    stamp = _stamp(sorted(Path(name).glob("*"))) if is_folder else revision
    version = f"transformers {transformers.__version__}"
    return Extractor(name, f"{name} {stamp} {version}", prepare, features)


def _pooled(model: Any, batch: torch.Tensor, without_pooler: bool) -> torch.Tensor:
    """Return features (B, D) of a batch (B, C, H, W).

    CLIP-like models give their image embedding, others their pooled output or, where the pooler is
    not trained, the first token of the last layer (the class token).
    """
    if hasattr(model, "get_image_features"):
        answer = model.get_image_features(pixel_values=batch)
        # transformers before 5 returns a tensor.
        return answer if isinstance(answer, torch.Tensor) else answer.pooler_output
    answer = model(pixel_values=batch)
    pooled = getattr(answer, "pooler_output", None)
    if pooled is None or without_pooler:
        pooled = answer.last_hidden_state[:, 0]
    return pooled.flatten(1)


def _timm(name: str, device: torch.device, download: bool) -> Extractor:
    timm = require("timm")
    name, _, own = name.partition("@")
    if not timm.is_model(name):
        raise ValueError(f"timm {timm.__version__} has no model {name!r}: see timm.list_models()")
    file = _own_file(own) if own else _file_of_timm(timm, name, download)
    overlay = {"file": file}
    try:
        model = timm.create_model(
            name, pretrained=True, num_classes=0, pretrained_cfg_overlay=overlay
        )
    except (RuntimeError, SafetensorError) as error:
        reason = str(error).strip().split("\n")[0]
        raise OSError(f"{file} does not hold the weights of timm's {name} ({reason})") from error
    model = model.to(device, torch.float32).eval()
    data = timm.data.resolve_model_data_config(model)
    prepare = timm.data.create_transform(**data, is_training=False)

    def features(batch: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return model(batch.to(device)).flatten(1).float().cpu()

    # The hub's cache names a file by its revision: .../snapshots/REVISION/model.safetensors.
    stamp = _stamp([Path(file)]) if own else Path(file).parent.name
    identity = f"timm:{name} {stamp} timm {timm.__version__}"
    return Extractor(f"timm:{name}", identity, prepare, features)


def _own_file(own: str) -> str:
    path = Path(own)
    if path.suffix != ".safetensors" or not path.is_file():
        raise OSError(f"{own} is not a safetensors file: write timm:NAME@FILE.safetensors")
    return str(path.resolve())


def _file_of_timm(timm: Any, name: str, download: bool) -> str:
    """Return the path of the weights that timm publishes for a model."""
    hub = require("huggingface_hub")
    config = timm.get_pretrained_cfg(name)
    repository = config.hf_hub_id if config is not None else None
    if not repository:
        raise ValueError(
            f"timm has no weights of {name!r} on the Hugging Face hub: choose another model"
        )
    weights = config.hf_hub_filename or "model.safetensors"
    if not weights.endswith(".safetensors"):
        raise ValueError(
            f"timm has {name!r} as {weights}, not as a safetensors file: choose another model"
        )

    def fetch(local: bool) -> str:
        return hub.hf_hub_download(repository, weights, local_files_only=local)

    try:
        file: str = _local_first(fetch, download)
    except (OSError, ValueError) as error:
        raise OSError(_not_loaded(f"timm:{name}", error, False, download)) from error
    return file


def _local_first(load: Callable[[bool], Any], download: bool) -> Any:
    """Return load(True), from local files only; where that fails and `download`, load(False)."""
    try:
        return load(True)
    except (OSError, ValueError):
        if not download:
            raise
    return load(False)


def _not_loaded(name: str, error: Exception, is_folder: bool, download: bool) -> str:
    # The first sentence says what failed; the others are about a network that was not used.
    reason = str(error).strip().split("\n")[0].split(". ")[0]
    if is_folder:
        return (
            f"{name} is not a model for pictures with safetensors files ({reason}): give a folder "
            "with config.json, preprocessor_config.json and model.safetensors"
        )
    if download:
        return (
            f"{name} could not be fetched as a model for pictures with safetensors files "
            f"({reason}): check the name and the connection"
        )
    return (
        f"{name} is not on this machine, or not as a model for pictures with safetensors files "
        f"({reason}): allow the download with --download, or give --features {_FORMS}"
    )


def _stamp(files: Sequence[Path]) -> str:
    """Return a digest of the paths, sizes and modification times of a model's files."""
    digest = hashlib.blake2b(digest_size=8)
    for path in files:
        state = path.stat()
        digest.update(f"{path.resolve()} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _device(name: str) -> torch.device:
    if name == "auto":
        accelerator = getattr(torch, "accelerator", None)  # torch 2.6 and newer
        if accelerator is not None and accelerator.is_available():
            return accelerator.current_accelerator()
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ValueError(f"device {name!r} cannot be used ({reason}): give --device cpu") from error
    return device
