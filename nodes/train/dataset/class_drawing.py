"""Class pictures drawn by the model through core's sampling, kept on the disk one by one."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import comfy.sample
import folder_paths
import latent_preview
import numpy as np
import torch
from PIL import Image

from nodes import EmptyLatentImage

from ....tipo_core.dreambooth.dataset.class_image_store import ClassImageStore, Numbers
from ....tipo_core.dreambooth.loss_report import duration
from ....tipo_core.dreambooth.training_pictures import PictureSet, TrainingPicture
from ....tipo_core.memory import is_out_of_memory
from ....tipo_core.report_lines import warning
from ... import memory
from ..model_digest import model_digest

CLASS_IMAGES = "tipo-class-images"  # in ComfyUI's output folder
_RATIOS = ("downscale_ratio_spacial", "downscale_ratio_temporal")  # newer cores' empty latents


@dataclass(frozen=True)
class ClassSettings:
    """What decides the pictures besides the model; the names are those of the node's inputs."""

    prompt: str
    negative: str
    seed: int
    steps: int
    cfg: float
    sampler_name: str
    scheduler: str
    width: int
    height: int


@dataclass(frozen=True)
class DrawnClass:
    """Drawn class pictures: the set, the first pictures for a preview, and the report's lines."""

    pictures: PictureSet
    shown: tuple[torch.Tensor, ...]
    lines: tuple[str, ...]


def store_of(model: Any, clip: Any, settings: ClassSettings) -> ClassImageStore:
    """Return the place of the pictures of a model, a CLIP and settings in the output folder."""
    sampling = model.get_model_object("model_sampling")
    recipe = {
        "model": model_digest(model),
        "sampling": [
            *(one.__name__ for one in type(sampling).__mro__[:3]),
            float(sampling.sigma_min),
            float(sampling.sigma_max),
        ],
        "clip": model_digest(clip.patcher),
        "clip_layer": clip.layer_idx,
        **asdict(settings),
    }
    return ClassImageStore(Path(folder_paths.get_output_directory()) / CLASS_IMAGES, recipe)


def draw_class(
    model: Any,
    clip: Any,
    vae: Any,
    settings: ClassSettings,
    count: int,
    batch_size: int,
    show_text: Callable[[str], None],
    most_shown: int,
) -> DrawnClass:
    """Return `count` class pictures: those on the disk, and the missing ones drawn now.

    A picture is written as soon as it is drawn, so a cancel loses none. Its noise is that of its
    number in a batch of KSampler with the same seed, whatever the batch size is. Raises
    RuntimeError if memory runs out for a single picture, OSError with the remedy for a disk.
    """
    store = store_of(model, clip, settings)
    latents = _kept(store, count)
    before = store.numbers(count)
    notes: list[str] = []
    if before.missing:
        store.open()
        drawing = _Drawing(model, clip, vae, settings, store, show_text)
        latents.update(drawing.draw(before.missing, batch_size))
        notes += drawing.notes
    numbers = sorted(latents)[:count]
    name = f"{CLASS_IMAGES}/{store.folder.name}"
    pictures = tuple(
        TrainingPicture(
            settings.prompt,
            f"{name}/{store.picture(number).name}",
            latent=latents[number],
            original_size=(settings.width, settings.height),
        )
        for number in numbers
    )
    shown = tuple(_shown(store.picture(number)) for number in numbers[:most_shown])
    lines = (
        f"{len(pictures)} class pictures, {settings.width} x {settings.height}: {settings.prompt}",
        f"{len(before.missing)} drawn, {len(before.kept)} from an earlier run",
        *_rejected(before),
        *notes,
        f"folder: {name}",
    )
    return DrawnClass(PictureSet(pictures, settings.prompt), shown, lines)


def _kept(store: ClassImageStore, count: int) -> dict[int, torch.Tensor]:
    """Return the latents on the disk; a damaged one is removed, its picture is drawn again."""
    found = {}
    for number in store.numbers(count).kept:
        memory.check_interrupt()
        latent = store.load(number)
        if latent is not None:
            found[number] = latent
    return found


def _rejected(numbers: Numbers) -> list[str]:
    if not numbers.rejected:
        return []
    return [f"{numbers.rejected} deleted by you, others took their places"]


def _shown(path: Path) -> torch.Tensor:
    with Image.open(path) as picture:
        return torch.from_numpy(np.asarray(picture.convert("RGB"), dtype=np.float32) / 255)


class _Drawing:
    """One run that draws missing pictures batch by batch."""

    def __init__(
        self,
        model: Any,
        clip: Any,
        vae: Any,
        settings: ClassSettings,
        store: ClassImageStore,
        show_text: Callable[[str], None],
    ) -> None:
        self._model, self._vae, self._settings, self._store = model, vae, settings, store
        self._show_text = show_text
        self._positive, self._negative = (
            clip.encode_from_tokens_scheduled(clip.tokenize(text))
            for text in (settings.prompt, settings.negative)
        )
        latent_format = model.get_model_object("latent_format")
        self._previewer = latent_preview.get_previewer(model.load_device, latent_format)
        self.notes: list[str] = []

    def draw(self, numbers: Sequence[int], batch_size: int) -> dict[int, torch.Tensor]:
        """Draw and save pictures; return their latents. A batch that finds no memory is halved."""
        total = len(numbers) * self._settings.steps
        self._bar, self._started, self._all = memory.step_progress(total), time.monotonic(), numbers
        coming = self._noises(numbers)
        noises: dict[int, torch.Tensor] = {}
        latents: dict[int, torch.Tensor] = {}
        while len(latents) < len(numbers):
            some = list(numbers[len(latents) : len(latents) + batch_size])
            while some[-1] not in noises:
                noises.update([next(coming)])
            drawn = self._tried(some, noises, len(latents))
            if drawn is not None:
                for number in some:
                    del noises[number]
                latents.update(zip(some, drawn, strict=True))
                continue
            memory.free_device(self._model.load_device)
            if batch_size == 1:
                settings = self._settings
                raise RuntimeError(
                    f"Memory ran out while a single class picture of {settings.width} x "
                    f"{settings.height} was drawn: lower width and height, or close other programs "
                    "that use the device. The finished pictures are kept."
                )
            batch_size = max(batch_size // 2, 1)
            self.notes.append(warning(f"memory ran out: went on with {batch_size} at a time"))
        return latents

    def _noises(self, numbers: Sequence[int]) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield the noise of each number: as KSampler draws it for a batch of that many."""
        shape = self._empty(1).shape
        generator, wanted = torch.Generator().manual_seed(self._settings.seed), set(numbers)
        for number in range(1, max(numbers) + 1):
            noise = torch.randn(shape, generator=generator)
            if number in wanted:
                yield number, noise

    def _empty(self, count: int) -> torch.Tensor:
        settings = self._settings
        (latent,) = EmptyLatentImage().generate(settings.width, settings.height, count)
        ratios = [latent[name] for name in _RATIOS if name in latent]
        empty: torch.Tensor = comfy.sample.fix_empty_latent_channels(
            self._model, latent["samples"], *ratios
        )
        return empty

    def _tried(
        self, numbers: list[int], noises: dict[int, torch.Tensor], done: int
    ) -> list[torch.Tensor] | None:
        """Draw and save one batch; return its latents, or None if memory ran out."""
        try:
            samples = self._sampled(torch.cat([noises[number] for number in numbers]), done)
            pictures = self._decoded(samples)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None
        for number, pixels, latent in zip(numbers, pictures, samples, strict=True):
            image = Image.fromarray((pixels * 255).round().to(torch.uint8).numpy())
            content = io.BytesIO()
            image.save(content, "PNG")
            self._store.save(number, content.getvalue(), latent)
        finished = done + len(numbers)
        self._bar(finished * self._settings.steps, image)
        self._show_text(self._text(finished))
        return list(samples)

    def _sampled(self, noise: torch.Tensor, done: int) -> torch.Tensor:
        settings, count = self._settings, len(noise)

        def callback(step: int, x0: torch.Tensor, x: torch.Tensor, steps: int) -> None:
            memory.check_interrupt()
            preview = None
            if self._previewer is not None:
                preview = self._previewer.decode_latent_to_preview_image("JPEG", x0)[1]
            share = (step + 1) / max(steps, 1)
            self._bar(round((done + count * share) * settings.steps), preview)

        samples: torch.Tensor = comfy.sample.sample(
            self._model,
            noise,
            settings.steps,
            settings.cfg,
            settings.sampler_name,
            settings.scheduler,
            self._positive,
            self._negative,
            self._empty(count),
            callback=callback,
            disable_pbar=True,
            seed=settings.seed,
        )
        if not torch.isfinite(samples).all():
            raise ValueError(
                "The model draws NaN or infinite values: lower the cfg, choose another sampler, or "
                "run the model in a higher precision."
            )
        return samples.float().cpu()

    def _decoded(self, samples: torch.Tensor) -> torch.Tensor:
        pictures: torch.Tensor = self._vae.decode(samples)
        if pictures.ndim == 5:  # a model of videos: one frame each
            pictures = pictures[:, 0]
        return pictures.float().cpu().nan_to_num(0.0).clamp(0, 1)[..., :3]

    def _text(self, finished: int) -> str:
        each = (time.monotonic() - self._started) / finished
        left = duration(each * (len(self._all) - finished))
        return f"class picture {finished}/{len(self._all)}\n{left} left"
