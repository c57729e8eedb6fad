"""Draw pictures from held-out prompts at many settings, and read each; rows of a CSV."""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..drawings.drawings import Prompt, Scene, caption_prompt, picture, scene, tag_prompt
from ..model.autoencoder import Autoencoder
from ..model.diffusion import signal_shares
from ..model.unet import UNet
from .euler_sampling import denoise_sigmas, euler, sigmas_of, with_cfg
from .reader import Reader

log = logging.getLogger("tipo-suite")

TAGS, CAPTION = "tags", "caption"
COLUMNS = ("point", "row", "wording", "style", "style_read", "wrong", "distance")
# Seeds of the scenes and of the start pictures, far from those of all trainings.
_FIRST_SEED = 4_000_000
_FIRST_START = 5_000_000
_SHOWN = 6  # pictures in the strip of a point

EncodeTexts = Callable[[Sequence[str]], torch.Tensor]


@dataclass(frozen=True)
class Point:
    """Sampling settings; with `from_picture`, image to image from another drawing."""

    cfg: float = 5.0
    steps: int = 20
    denoise: float = 1.0
    clip_skip: int = 1
    from_picture: bool = False

    @property
    def name(self) -> str:
        """The settings as a word, as they stand in the CSV."""
        kind = f"-denoise{self.denoise:g}" if self.from_picture else ""
        return f"cfg{self.cfg:g}-steps{self.steps}-skip{self.clip_skip}{kind}"


MAIN = Point()


@dataclass(frozen=True)
class Asked:
    """The prompt of a row; two successive rows word the same scene as tags and as a caption.

    `start` is another drawing of the same style, `seed` that of the noise. Neither depends on the
    settings, so that points can be compared picture by picture.
    """

    scene: Scene
    wording: str
    prompt: Prompt
    start: Scene
    seed: int


@dataclass(frozen=True)
class Row:
    """One picture as read: its style and its wrong parts (all parts where the style is wrong).

    `distance` is the mean absolute difference from the start picture, in 0..1.
    """

    point: str
    row: int
    wording: str
    style: str
    style_read: str
    wrong: tuple[str, ...]
    distance: float | None


def asked(row: int, styles: Sequence[str]) -> Asked:
    """Return the prompt of a row: a scene of a held-out pair, all its parts named."""
    number, second = divmod(row, 2)
    of = scene(_FIRST_SEED + number, styles, test=True)
    prompt = (caption_prompt if second else tag_prompt)(of, all_parts=True)
    start = scene(_FIRST_START + number, [of.style])
    return Asked(of, CAPTION if second else TAGS, prompt, start, _FIRST_SEED + number)


class Artist:
    """Draws rows at a point with toy-sd."""

    def __init__(
        self,
        unet: UNet,
        vae: Autoencoder,
        texts: Mapping[int, EncodeTexts],
        side: int,
        bf16: bool = True,
    ) -> None:
        """`texts` encode prompts, by clip skip; with `bf16` the UNet alone runs in bfloat16."""
        self._unet, self._vae, self._texts = unet, vae, texts
        self.side, self._bf16 = side, bf16
        self._device = next(unet.parameters()).device
        self._sigmas = sigmas_of(signal_shares())

    @torch.no_grad()
    def latents(
        self, point: Point, rows: Sequence[Asked], starts: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return latents `B, 4, H/8, W/8`; `starts` are pictures `B, 3, H, W` in 0..1."""
        size = self.side // 8
        noise = torch.stack(
            [
                torch.randn(4, size, size, generator=torch.Generator().manual_seed(row.seed))
                for row in rows
            ]
        ).to(self._device)
        start = torch.zeros_like(noise)
        if starts is not None:
            start = self._vae.encode(starts.to(self._device))
        texts = self._texts[point.clip_skip]
        positive = texts([row.prompt.text for row in rows]).to(self._device)
        negative = texts([""]).to(self._device).expand_as(positive)
        schedule = denoise_sigmas(point.steps, point.denoise, self._sigmas)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            predict = with_cfg(self._unet, positive, negative, point.cfg)
            return euler(predict, start, noise, schedule, self._sigmas)

    @torch.no_grad()
    def draw(
        self, point: Point, rows: Sequence[Asked], starts: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return pictures `B, 3, H, W` in 0..1, on the CPU."""
        latents = self.latents(point, rows, starts)
        return self._vae.decode(latents).clamp(0, 1).float().cpu()


def starts_of(rows: Sequence[Asked], side: int) -> torch.Tensor:
    """Return the start pictures of image to image, `B, 3, H, W` in 0..1."""
    drawings = np.stack([picture(row.start, side) for row in rows])
    return torch.from_numpy(drawings).permute(0, 3, 1, 2).float() / 255


def checked(
    point: str,
    first: int,
    rows: Sequence[Asked],
    reader: Reader,
    pictures: torch.Tensor,
    starts: torch.Tensor | None = None,
) -> list[Row]:
    """Return the rows that the reader finds for pictures `B, 3, H, W`, numbered from `first`.

    `point` is the name of their settings.
    """
    distances: list[float | None] = [None] * len(rows)
    if starts is not None:
        distances = (pictures - starts).abs().mean((1, 2, 3)).tolist()
    found = []
    for n, (row, seen) in enumerate(zip(rows, reader.read(pictures), strict=True)):
        named = row.prompt.named
        same = seen.style == row.scene.style
        wrong = [p for p in named if not same or seen.attributes[p] != row.scene.attributes[p]]
        styles = (row.scene.style, seen.style)
        found.append(Row(point, first + n, row.wording, *styles, tuple(wrong), distances[n]))
    return found


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a CSV file; none for a missing file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    return [
        Row(
            line["point"], int(line["row"]), line["wording"], line["style"], line["style_read"],
            tuple(line["wrong"].split()), float(line["distance"]) if line["distance"] else None,
        )
        for line in lines
    ]  # fmt: skip


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write all rows again, in one step."""
    part = path.with_name(path.name + ".part")
    with part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            distance = "" if row.distance is None else f"{row.distance:.6f}"
            cells = (row.wording, row.style, row.style_read, " ".join(row.wrong), distance)
            writer.writerow((row.point, row.row, *cells))
    part.replace(path)


def batches(
    counts: Mapping[Point, int], done: Sequence[Row], batch: int
) -> Iterator[tuple[Point, int, int]]:
    """Yield the missing batches: point, first row, number of rows."""
    kept: dict[str, int] = {}
    for row in done:
        kept[row.point] = max(kept.get(row.point, 0), row.row + 1)
    for point, count in counts.items():
        for first in range(kept.get(point.name, 0), count, batch):
            yield point, first, min(batch, count - first)


def measure(
    counts: Mapping[Point, int],
    styles: Sequence[str],
    artist: Artist,
    reader: Reader,
    out: Path,
    batch: int = 32,
) -> list[Row]:
    """Draw `counts` pictures of each point and return their rows.

    `pictures.csv` is written after each batch, and a stopped run continues from it. The folder
    `strips` keeps the first pictures of each point.
    """
    path, strips = out / "pictures.csv", out / "strips"
    strips.mkdir(parents=True, exist_ok=True)
    rows = read_rows(path)
    left = list(batches(counts, rows, batch))
    for number, (point, first, count) in enumerate(left, 1):
        started = time.monotonic()
        some = [asked(first + n, styles) for n in range(count)]
        starts = starts_of(some, artist.side) if point.from_picture else None
        pictures = artist.draw(point, some, starts)
        rows += checked(point.name, first, some, reader, pictures, starts)
        if first == 0:
            save_strip(pictures[::2], strips / f"{point.name}.png")
        write_rows(path, rows)
        seconds = time.monotonic() - started
        log.info("%d of %d: %s, %d pictures, %.1f s", number, len(left), point.name, count, seconds)
    return rows


def save_strip(pictures: torch.Tensor, path: Path) -> None:
    """Write the first six pictures of `B, 3, H, W` in 0..1 side by side."""
    row = torch.cat(list(pictures[:_SHOWN]), 2).permute(1, 2, 0)
    Image.fromarray((row * 255).round().byte().numpy()).save(path)


def meant_strips(styles: Sequence[str], side: int, out: Path) -> None:
    """Write the drawings of the prompts in the strips, and the start pictures."""
    rows = [asked(2 * n, styles) for n in range(_SHOWN)]
    for name, scenes in (("meant", [r.scene for r in rows]), ("start", [r.start for r in rows])):
        drawings = np.concatenate([picture(of, side) for of in scenes], 1)
        Image.fromarray(drawings).save(out / "strips" / f"{name}.png")
