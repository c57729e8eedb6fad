"""Drawn class pictures on the disk: which are there, which are missing, and the recipe beside them.

A picture has two files, `00001.png` for people and `00001.safetensors` with its latent for the
training. Who deletes a PNG rejects that picture: its latent says so, and a picture of another
number takes its place. `recipe.json` says what the folder's name, a digest, stands for.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...pictures.files.image_file import write_whole

_RECIPE = "recipe.json"
_KEY = "latent"
_DIGITS = 5
_MOST_REJECTED = 10_000  # numbers that are looked at beyond the count


def recipe_digest(recipe: Mapping[str, Any]) -> str:
    """Return a short digest of what decides the pictures: a folder's name."""
    text = json.dumps(recipe, sort_keys=True, ensure_ascii=False)
    encoded = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


@dataclass(frozen=True)
class Numbers:
    """Numbers of pictures: those on the disk, those to be drawn, and how many were rejected."""

    kept: tuple[int, ...]
    missing: tuple[int, ...]
    rejected: int


class ClassImageStore:
    """The class pictures of one recipe in a folder; files are written whole or not at all."""

    def __init__(self, root: Path, recipe: Mapping[str, Any]) -> None:
        self.folder = root / recipe_digest(recipe)
        self._recipe = recipe

    def picture(self, number: int) -> Path:
        """Return the path of a picture for people."""
        return self.folder / f"{number:0{_DIGITS}}.png"

    def _latent(self, number: int) -> Path:
        return self.folder / f"{number:0{_DIGITS}}.safetensors"

    def numbers(self, count: int) -> Numbers:
        """Return which of the first `count` pictures, rejected ones apart, are there."""
        kept: list[int] = []
        missing: list[int] = []
        number = rejected = 0
        while len(kept) + len(missing) < count and number < count + _MOST_REJECTED:
            number += 1
            has_latent = self._latent(number).is_file()
            if has_latent and self.picture(number).is_file():
                kept.append(number)
            elif has_latent:
                rejected += 1
            else:
                missing.append(number)
        return Numbers(tuple(kept), tuple(missing), rejected)

    def open(self) -> None:
        """Make the folder with its recipe. Raises OSError with the remedy."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"The folder {self.folder.parent.name}/{self.folder.name} of class pictures cannot "
                f"be made ({_reason(error)}): free some space, or choose another output folder "
                "(--output-directory)"
            ) from error
        text = json.dumps(self._recipe, indent=2, ensure_ascii=False)
        write_whole(self.folder / _RECIPE, text.encode("utf-8", "replace"))

    def save(self, number: int, png: bytes, latent: torch.Tensor) -> None:
        """Write a picture and its latent (`C, ...`). Raises OSError with the remedy.

        The latent comes last: a picture without a latent is not finished, and is drawn again.
        """
        from safetensors.torch import save

        whole = latent.detach().to("cpu", torch.float32).contiguous().clone()
        write_whole(self.picture(number), png)
        try:
            write_whole(self._latent(number), save({_KEY: whole}))
        except OSError:
            self.picture(number).unlink(missing_ok=True)
            raise

    def load(self, number: int) -> torch.Tensor | None:
        """Return the latent of a picture, or None for a damaged file, which is removed."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        path = self._latent(number)
        try:
            latent = load(path.read_bytes())[_KEY]
        except (SafetensorError, KeyError, OSError, ValueError):
            path.unlink(missing_ok=True)
            return None
        if not torch.isfinite(latent).all():
            path.unlink(missing_ok=True)
            return None
        return latent


def _reason(error: OSError) -> str:
    return "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
