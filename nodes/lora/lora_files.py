"""LoRA files of ComfyUI's folders, and the tensors in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import comfy.lora_convert
import comfy.utils
import folder_paths
import torch
from safetensors import SafetensorError

from ...tipo_core.pictures.loras.lora_names import LoraNames
from ...tipo_core.pictures.loras.lora_tags import LoraTag
from ...tipo_core.report_lines import warning

ERROR, SKIP = "error", "skip"


@dataclass(frozen=True)
class FoundLoras:
    """The file of each name in the tags of a prompt, and notes on tags that are left out."""

    files: dict[str, str]
    notes: tuple[str, ...] = ()

    def file_of(self, tag: LoraTag) -> str | None:
        """Return the file of a tag, None for one that is left out."""
        return self.files.get(tag.name)

    @property
    def paths(self) -> list[Path]:
        """The paths of the files."""
        return [lora_path(file) for file in dict.fromkeys(self.files.values())]


def listed_loras() -> list[str]:
    """Return the files of models/loras as ComfyUI lists them."""
    return folder_paths.get_filename_list("loras")


def lora_path(file: str) -> Path:
    """Return the full path of a listed file."""
    return Path(folder_paths.get_full_path_or_raise("loras", file))


def find_loras(tags: Sequence[LoraTag], missing: str) -> FoundLoras:
    """Return the files of the tags; each tag is looked up once, and none of weight 0 alone.

    Raises ValueError for an ambiguous name, a file that is not safetensors, and, if `missing` is
    "error", one that names all missing files.
    """
    if not tags:
        return FoundLoras({})
    names = LoraNames(listed_loras())
    files: dict[str, str] = {}
    absent: dict[str, str] = {}
    notes: list[str] = []
    has_effect = {tag.name for tag in tags if tag.model or tag.clip}
    for tag in tags:
        if tag.name not in has_effect:
            notes.append(f"{tag.text}: weight 0, not applied")
        elif tag.name not in files and tag.name not in absent:
            try:
                files[tag.name] = names.find(tag.name)
            except LookupError as error:
                absent[tag.name] = str(error.args[0])
                notes.append(
                    warning(f"{tag.text}: there is no such file in models/loras, left out")
                )
    if absent and missing == ERROR:
        count = "this LoRA" if len(absent) == 1 else "these LoRAs"
        raise ValueError(
            f"models/loras has no file for {count} of the text: {', '.join(absent.values())}. "
            "Correct the names, add the files, or set missing to skip."
        )
    return FoundLoras(files, tuple(notes))


@dataclass(frozen=True)
class LoraFile:
    """The tensors of a LoRA under the names that ComfyUI reads, and the file's metadata."""

    tensors: dict[str, torch.Tensor]
    metadata: dict[str, str]


def read_lora(file: str) -> LoraFile:
    """Return a listed LoRA. Raises ValueError with its name for a damaged file."""
    path = lora_path(file)
    try:
        tensors, metadata = comfy.utils.load_torch_file(
            str(path), safe_load=True, return_metadata=True
        )
    except (SafetensorError, OSError, ValueError) as error:
        # Keep the first line: newer cores add advice and the full path.
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ValueError(
            f"LoRA '{file}' cannot be read ({reason}): the file is damaged or incomplete. Download "
            "it again."
        ) from error
    return LoraFile(comfy.lora_convert.convert_lora(tensors), dict(metadata or {}))
