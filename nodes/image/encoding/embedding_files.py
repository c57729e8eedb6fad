"""The embeddings that a model's tokenizers can load, by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import comfy.sd1_clip
import folder_paths
import torch

from ....tipo_core.pictures.text.embedding_names import EmbeddingNames

# Those that ComfyUI's load_embed adds to a name.
_SUFFIXES = (".safetensors", ".pt", ".bin")


class EmbeddingFiles:
    """The files in ComfyUI's embeddings folders, listed at first use.

    ComfyUI finds a file by its path below any of the folders or their subfolders, with or without
    its suffix. `tokenizers` are those of a model, by encoder; they know the folders.
    """

    def __init__(self, tokenizers: Mapping[str, Any]) -> None:
        self._tokenizers = tokenizers
        self._loaded: dict[tuple[str, str], torch.Tensor | None] = {}

    @cached_property
    def _paths(self) -> list[str]:
        folders: dict[str, None] = {}
        for tokenizer in self._tokenizers.values():
            directories = getattr(tokenizer, "embedding_directory", None) or []
            folders |= dict.fromkeys([directories] if isinstance(directories, str) else directories)
        paths: dict[str, None] = {}
        for folder in folders:
            paths |= dict.fromkeys(sorted(folder_paths.recursive_search(folder, [".git"])[0]))
        return [path for path in paths if path.lower().endswith(_SUFFIXES)]

    @cached_property
    def names(self) -> EmbeddingNames:
        """All names that `embedding:` may give."""
        names = set()
        for path in self._paths:
            parts = path.split(os.sep)
            for start in range(len(parts)):
                for name in ("/".join(parts[start:]), os.sep.join(parts[start:])):
                    names |= {name, os.path.splitext(name)[0]}
        return EmbeddingNames.of(frozenset(names))

    @cached_property
    def by_bare_name(self) -> dict[str, str]:
        """The path of each file by its name alone, as A1111 names embeddings."""
        paths: dict[str, str] = {}
        for path in self._paths:
            paths.setdefault(os.path.splitext(os.path.basename(path))[0], path)
        return paths

    def vectors(self, key: str, name: str) -> torch.Tensor | None:
        """Return the vectors (n, D) of an embedding for an encoder; None if they cannot be loaded.

        Raises ValueError if they are not finite.
        """
        if (key, name) not in self._loaded:
            self._loaded[key, name] = _load(self._tokenizers[key], name)
        return self._loaded[key, name]


def _load(tokenizer: Any, name: str) -> torch.Tensor | None:
    if not tokenizer.embedding_directory:
        return None
    vectors = comfy.sd1_clip.load_embed(
        name, tokenizer.embedding_directory, tokenizer.embedding_size, tokenizer.embedding_key
    )
    if not torch.is_tensor(vectors) or not vectors.numel():
        return None
    if not torch.isfinite(vectors).all():
        raise ValueError(
            f"The embedding {name!r} holds NaN or infinite values: its file is damaged. Download "
            "it again, or remove it from the prompt."
        )
    return vectors.reshape(-1, vectors.shape[-1])
