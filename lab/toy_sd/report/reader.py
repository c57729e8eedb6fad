"""The attribute reader: a small classifier of the words for the parts of a picture.

It is trained on the drawings (`train_reader.py`) and checks pictures of toy-sd: a part is right
where the reader finds the prompt's word for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from ..drawings.styles import STYLES
from ..training.toy_sd_state import write

STYLE = "style"
SIDE = 64  # pictures are scaled to it
# Target of a part that the picture's style lacks; cross-entropy ignores it.
NOT_THERE = -100

WEIGHTS = "reader.safetensors"
LABELS = "labels.json"


@dataclass(frozen=True)
class Head:
    """One question: which style or, for the pictures of a style, which word a part has."""

    style: str
    part: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """The question's name, such as "planet/ring"; that of the style is "style"."""
        return f"{self.style}/{self.part}" if self.style else self.part


def heads_of(styles: Sequence[str]) -> tuple[Head, ...]:
    """Return the questions for some styles, that for the style itself first."""
    parts = [
        Head(name, part.name, tuple(part.choices)) for name in styles for part in STYLES[name].parts
    ]
    return (Head("", STYLE, tuple(styles)), *parts)


@dataclass(frozen=True)
class Reading:
    """The style of one picture, and the words of its parts."""

    style: str
    attributes: Mapping[str, str]


class Reader(nn.Module):
    """Convolutions that halve the side four times, one softmax per question: 0.7 M parameters."""

    def __init__(self, heads: Sequence[Head], width: int = 32) -> None:
        """Make the layers with PyTorch's own start values; a width other than 32 is for tests."""
        super().__init__()
        self.heads = tuple(heads)
        self.width = width
        sizes = (width, 2 * width, 3 * width, 4 * width)
        # Cracks and moons are a pixel or two wide: the first layer sees every pixel.
        before = (width + 1) // 2
        layers: list[nn.Module] = [nn.Conv2d(3, before, 3, padding=1), nn.ReLU()]
        for size in sizes:
            layers += [nn.Conv2d(before, size, 3, stride=2, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(size), nn.ReLU()]
            layers += [nn.Conv2d(size, size, 3, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(size), nn.ReLU()]
            before = size
        self.seeing = nn.Sequential(*layers)
        inside = before * (SIDE // 2 ** len(sizes)) ** 2
        self.answers = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.1), nn.Linear(inside, 4 * width), nn.ReLU(),
            nn.Linear(4 * width, sum(len(head.words) for head in heads)),
        )  # fmt: skip

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Return logits `B, words` for each question, for pictures `B, 3, H, W` in 0..1."""
        if pictures.shape[2:] != (SIDE, SIDE):
            pictures = functional.interpolate(
                pictures, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False
            )
        logits = self.answers(self.seeing(2 * pictures - 1))
        return list(logits.split([len(head.words) for head in self.heads], 1))

    @torch.no_grad()
    def read(self, pictures: torch.Tensor) -> list[Reading]:
        """Return the likeliest words for pictures `B, 3, H, W` in 0..1."""
        best = torch.stack([logits.argmax(1) for logits in self(pictures)], 1).tolist()
        return [self._reading(row) for row in best]

    def _reading(self, row: Sequence[int]) -> Reading:
        words = [head.words[n] for head, n in zip(self.heads, row, strict=True)]
        style = words[0]
        pairs = zip(self.heads[1:], words[1:], strict=True)
        return Reading(style, {head.part: word for head, word in pairs if head.style == style})


def targets(heads: Sequence[Head], scenes: Sequence[tuple[str, Mapping[str, str]]]) -> torch.Tensor:
    """Return the right answers, `B, questions`, for styles and their attributes."""
    rows = [
        [
            head.words.index(style if not head.style else attributes[head.part])
            if head.style in ("", style)
            else NOT_THERE
            for head in heads
        ]
        for style, attributes in scenes
    ]
    return torch.tensor(rows)


def save(reader: Reader, folder: Path) -> None:
    """Write the weights in fp16, and the questions with their words as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: value.half() if value.is_floating_point() else value
        for name, value in reader.state_dict().items()
    }
    write(state, folder / WEIGHTS)
    labels = {
        "width": reader.width,
        "heads": [{"style": h.style, "part": h.part, "words": h.words} for h in reader.heads],
    }
    (folder / LABELS).write_text(json.dumps(labels, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Reader:
    """Return the reader of a folder. Raises FileNotFoundError, which names the remedy."""
    for name in (LABELS, WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"there is no {folder / name}: python -m lab.toy_sd reader makes one"
            )
    labels = json.loads((folder / LABELS).read_text("utf-8"))
    heads = [Head(h["style"], h["part"], tuple(h["words"])) for h in labels["heads"]]
    reader = Reader(heads, labels["width"])
    reader.load_state_dict(load_file(folder / WEIGHTS))
    return reader.eval().requires_grad_(False)
