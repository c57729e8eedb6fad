"""The set of pictures of a subject or a class, from read pictures, captions and a fitting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from ...report_lines import warnings_of
from ...units import bytes_text
from ..private_generators import generator_of
from ..training_pictures import PictureSet, TrainingPicture
from .caption_files import CAPTION_WORD, caption_for, captions_of_files
from .picture_checks import count_line, likeness_lines, named, picture_lines, sizes_text
from .picture_fitting import RANDOM, FittedPicture, Fitting, fit, size_for
from .picture_folders import FolderFiles
from .picture_likeness import likeness_of
from .picture_reading import ReadPicture, UnreadablePictureError, picture_of_graph, read_picture
from .rare_tokens import has_token

_MOST_CROPS = 16  # random crops of a picture that are kept
_BYTES_PER_PIXEL = 12


@dataclass(frozen=True)
class SetSettings:
    """How pictures become a set. `prompt` is their caption, `token` the subject's rare word."""

    fitting: Fitting
    prompt: str
    token: str = ""
    uses_captions: bool = True
    repeats: int = 1
    has_mirrored: bool = False
    seed: int = 0


@dataclass(frozen=True)
class FoundPictures:
    """Readable pictures, their captions by name, and lines on files that are left out."""

    pictures: tuple[ReadPicture, ...]
    captions: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


def pictures_of_folder(
    files: FolderFiles, after_each: Callable[[int, int], None] = lambda done, total: None
) -> FoundPictures:
    """Read the pictures and captions of a folder; `after_each` gets the done and all pictures."""
    captions, notes = captions_of_files(files.pictures, files.captions)
    pictures, unread = [], []
    for done, path in enumerate(files.pictures, 1):
        try:
            pictures.append(read_picture(path))
        except UnreadablePictureError as error:
            unread.append(f"left out, {path.name}: {error}")
        after_each(done, len(files.pictures))
    others: dict[str, list[str]] = {}
    for name, reason in files.others:
        others.setdefault(reason, []).append(name)
    lines = [*unread, *(f"{reason}: {named(names)}" for reason, names in others.items()), *notes]
    return FoundPictures(tuple(pictures), captions, tuple(lines))


def pictures_of_batch(images: torch.Tensor) -> FoundPictures:
    """Return the pictures of an IMAGE link (`B, H, W, C`)."""
    pictures, lines = [], []
    for number, pixels in enumerate(images, 1):
        try:
            pictures.append(picture_of_graph(pixels, f"image {number}"))
        except UnreadablePictureError as error:
            lines.append(f"left out, image {number}: {error}")
    return FoundPictures(tuple(pictures), {}, tuple(lines))


def joined(found: Sequence[FoundPictures]) -> FoundPictures:
    """Return the pictures of several sources."""
    captions: dict[str, str] = {}
    for one in found:
        captions.update(one.captions)
    return FoundPictures(
        tuple(picture for one in found for picture in one.pictures),
        captions,
        tuple(line for one in found for line in one.lines),
    )


def subject_set(
    found: FoundPictures, settings: SetSettings, free_bytes: int | None = None
) -> tuple[PictureSet, list[str]]:
    """Return the set that is trained on, and the lines of the report.

    `token` '' makes a set of a class. The set's notes are the lines on faults. Raises ValueError if
    a training is impossible: no picture, no text, or more pixels than `free_bytes` of memory.
    """
    if not found.pictures:
        why = f" ({'; '.join(found.lines[:3])})" if found.lines else ""
        raise ValueError(
            f"there is no picture to train on{why}: choose a folder with PNG or JPEG files, or "
            "connect images"
        )
    crops = min(settings.repeats, _MOST_CROPS) if settings.fitting.crop == RANDOM else 1
    _check_memory(found.pictures, settings, crops, free_bytes)
    captions = found.captions if settings.uses_captions else {}
    fitted: list[FittedPicture] = []
    pictures: list[TrainingPicture] = []
    for one in found.pictures:
        caption = caption_for(settings.prompt, settings.token, captions.get(one.name))
        if not caption.strip():
            raise ValueError(
                f"{one.name} has no caption and the prompt is empty: write a prompt, such as "
                "'a photo of sks dog'"
            )
        for fit_of in _crops(one, settings, crops):
            fitted.append(fit_of)
            pictures += _training_pictures(one, caption, fit_of, settings.has_mirrored)
    repeats = -(-settings.repeats // crops)
    notes = warnings_of(_notes(found, settings, captions, pictures, fitted[::crops]))
    prompt = caption_for(settings.prompt, settings.token, None)
    made = PictureSet(tuple(pictures), prompt, settings.token, repeats, tuple(notes))
    return made, [*_summary(found, settings, captions, fitted[::crops], crops, made), *notes]


def _check_memory(
    pictures: Sequence[ReadPicture], settings: SetSettings, crops: int, free_bytes: int | None
) -> None:
    sizes = (size_for(one.image.size, settings.fitting) for one in pictures)
    each = sum(width * height for width, height in sizes) * _BYTES_PER_PIXEL * crops
    needed = each * (2 if settings.has_mirrored else 1)
    if free_bytes is not None and needed > free_bytes:
        raise ValueError(
            f"{len(pictures)} pictures at this size need {bytes_text(needed)} of memory, and "
            f"{bytes_text(free_bytes)} are free: use fewer pictures or a smaller width and height"
        )


def _crops(picture: ReadPicture, settings: SetSettings, crops: int) -> Iterator[FittedPicture]:
    for number in range(crops):
        generator = generator_of(settings.seed, "crop", picture.name, number)
        yield fit(picture.image, settings.fitting, generator)


def _training_pictures(
    picture: ReadPicture, caption: str, fitted: FittedPicture, has_mirrored: bool
) -> Iterable[TrainingPicture]:
    size = picture.image.size
    yield TrainingPicture(
        caption, picture.name, pixels=fitted.pixels, original_size=size, crop=fitted.crop
    )
    if has_mirrored:
        mirrored = fitted.pixels.flip(1).contiguous()
        yield TrainingPicture(
            caption,
            f"{picture.name}, mirrored",
            pixels=mirrored,
            original_size=size,
            crop=fitted.crop,
        )


def _summary(
    found: FoundPictures,
    settings: SetSettings,
    captions: Mapping[str, str],
    fitted: Sequence[FittedPicture],
    crops: int,
    made: PictureSet,
) -> list[str]:
    count = len(found.pictures)
    own = sum(one.name in captions for one in found.pictures)
    fitting = settings.fitting
    how = f"crop {fitting.crop}" + (", buckets" if fitting.has_buckets else "")
    lines = [
        f"{count} picture{'' if count == 1 else 's'}",
        f"sizes: {sizes_text(fitted)}, {how}",
        f"prompt: {made.prompt}",
    ]
    if own:
        lines.append(f"captions from files: {own} of {count}")
    if crops > 1:
        lines.append(f"{crops} random crops of each picture")
    if settings.has_mirrored:
        lines.append("each picture is there mirrored too")
    if made.repeats > 1 or crops > 1:
        entries = len(made.pictures) * made.repeats
        lines.append(f"repeats: {settings.repeats}, an epoch has {entries} pictures")
    return lines


def _notes(
    found: FoundPictures,
    settings: SetSettings,
    captions: Mapping[str, str],
    pictures: Sequence[TrainingPicture],
    fitted: Sequence[FittedPicture],
) -> list[str]:
    """Return the lines on faults, which the training repeats in its report."""
    names = [one.name for one in found.pictures]
    notes = [
        *count_line(len(names), bool(settings.token)),
        *found.lines,
        *picture_lines(found.pictures, fitted),
        *likeness_lines(names, [likeness_of(one.image) for one in found.pictures]),
    ]
    if settings.token:
        lacking = [one.name for one in pictures if not has_token(one.caption, settings.token)]
        if lacking:
            lacking = list(dict.fromkeys(lacking))
            notes.append(
                f"captions without the token {settings.token!r}: {named(lacking)}; the subject is "
                "learned under the other words alone"
            )
    if CAPTION_WORD in settings.prompt and not captions:
        notes.append(f"the prompt has {CAPTION_WORD}, and no picture has a caption file")
    return notes
