"""The pictures of a training: what the nodes of a dataset hand to the training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch


@dataclass(frozen=True)
class TrainingPicture:
    """A picture, its caption, and the part of the original that it shows.

    `pixels` are `H, W, 3` in 0..1, fp32, with sides that the model takes (multiples of 8 or more).
    A picture drawn by the model itself may have `latent` (`C, H/8, W/8`, as a LATENT link has it)
    instead: it is not encoded then. `original_size` and `crop` (left, top) are pixels; SDXL reads
    them. `name` is shown in reports and errors.
    """

    caption: str
    name: str
    pixels: torch.Tensor | None = None
    latent: torch.Tensor | None = None
    original_size: tuple[int, int] | None = None  # width, height
    crop: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if (self.pixels is None) == (self.latent is None):
            raise ValueError(f"picture {self.name} has to have either pixels or a latent")

    @property
    def content(self) -> torch.Tensor:
        """The pixels or the latent."""
        content = self.latent if self.pixels is None else self.pixels
        assert content is not None
        return content

    @property
    def digest(self) -> str:
        """A digest of the picture and all that the training takes from it."""
        text = f"{self.caption}\0{self.original_size}\0{self.crop}\0{tuple(self.content.shape)}"
        content = self.content.detach().to("cpu", torch.float32).contiguous()
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
        digest.update(content.numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class PictureSet:
    """The pictures of a subject, or of its class.

    `prompt` is the subject's or the class's: the caption of pictures without one of their own.
    `token` is the subject's rare token, '' for a class. A picture is seen `repeats` times in an
    epoch.
    """

    pictures: tuple[TrainingPicture, ...]
    prompt: str
    token: str = ""
    repeats: int = 1
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.pictures:
            raise ValueError("a set of training pictures is empty: add at least one picture")
        if self.repeats < 1:
            raise ValueError(f"repeats {self.repeats}: give 1 or more")

    @property
    def digest(self) -> str:
        """A digest of all pictures, in their order."""
        parts = [*(picture.digest for picture in self.pictures), self.token, str(self.repeats)]
        return hashlib.blake2b("\0".join(parts).encode("utf-8"), digest_size=16).hexdigest()


def captions_of(sets: Sequence[PictureSet]) -> list[str]:
    """Return the different captions of sets, in the order of their first use."""
    return list(dict.fromkeys(one.caption for pictures in sets for one in pictures.pictures))
