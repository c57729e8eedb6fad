"""Pictures of all kinds as upright 8-bit RGB in sRGB, with notes on what was changed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

_PNG = b"\x89PNG\r\n\x1a\n"
_DEPTH_AT = 24  # offset of the bits per channel in a PNG
_ROTATED = 0x0112  # EXIF's tag of the orientation
_WHITE = (255, 255, 255, 255)


class UnreadablePictureError(ValueError):
    """A file that is no picture, or a damaged one."""


@dataclass(frozen=True)
class ReadPicture:
    """A picture in RGB (`image`), its name, and what was changed to make it so."""

    name: str
    image: Image.Image
    notes: tuple[str, ...] = ()


def read_picture(path: Path) -> ReadPicture:
    """Read a picture's file: its first frame, turned upright, on white, in sRGB.

    Raises UnreadablePictureError for a damaged file, for one that is no picture, and for one of
    more pixels than Pillow takes.
    """
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content)) as opened:
            opened.load()
            return _as_rgb(path.name, opened, content)
    except UnidentifiedImageError:
        raise UnreadablePictureError("no picture, whatever its name says") from None
    except Image.DecompressionBombError:
        raise UnreadablePictureError("too many pixels: scale it down") from None
    except Exception as error:  # Pillow's readers raise many kinds for damaged files
        reason = str(error) or type(error).__name__
        raise UnreadablePictureError(f"damaged ({reason}): save it again") from None


def picture_of_graph(pixels: torch.Tensor, name: str) -> ReadPicture:
    """Return a picture of an IMAGE link (`H, W, C` in 0..1), its alpha laid over white.

    Raises UnreadablePictureError for values that are not finite, and for other channels than 1 to
    4.
    """
    channels = pixels.shape[-1]
    if not 1 <= channels <= 4:
        raise UnreadablePictureError(f"{channels} channels: a picture has 1 to 4")
    if not torch.isfinite(pixels).all():
        raise UnreadablePictureError("NaN or infinite pixels")
    values = (pixels.detach().cpu().float().clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    mode = ("L", "LA", "RGB", "RGBA")[channels - 1]
    image = Image.fromarray(values[..., 0] if channels == 1 else values, mode)
    notes = ["alpha laid over white"] if channels in (2, 4) and values[..., -1].min() < 255 else []
    return ReadPicture(name, _on_white(image), tuple(notes))


def _as_rgb(name: str, image: Image.Image, content: bytes) -> ReadPicture:
    notes = []
    if getattr(image, "is_animated", False):
        notes.append(f"the first of {getattr(image, 'n_frames', 2)} frames")
    if image.getexif().get(_ROTATED, 1) != 1:
        notes.append("turned upright by its EXIF orientation")
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if content.startswith(_PNG) and content[_DEPTH_AT] == 16 and image.mode in ("RGB", "RGBA"):
        notes.append("16 bits reduced to 8")
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        image, note = _reduced(image)
        notes.append(note)
    if image.mode in ("L", "LA", "1"):
        notes.append("grey")
    elif image.mode in ("P", "PA"):
        notes.append("palette")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] != 255:
            notes.append("alpha laid over white")
        image = _on_white(image)
    elif image.mode == "P":
        image = image.convert("RGB")
    if profile and image.mode in ("RGB", "CMYK"):
        image, converted = _in_srgb(image, profile)
        notes += converted
    elif image.mode == "CMYK":
        notes.append("CMYK without a profile: check its colours")
    return ReadPicture(name, image.convert("RGB"), tuple(notes))


def _on_white(image: Image.Image) -> Image.Image:
    if "A" not in image.getbands():
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, _WHITE)
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")


def _reduced(image: Image.Image) -> tuple[Image.Image, str]:
    """Return a grey picture of more than 8 bits as 8 bits; Pillow's own conversion cuts values."""
    values = np.asarray(image).astype(np.float64)
    if image.mode == "F":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        most, kind = max(float(values.max(initial=0.0)), 1.0), "float values"
        most = 255.0 if 1.0 < most <= 255.0 else most
    else:
        most, kind = (65535.0 if values.max(initial=0.0) > 255 else 255.0), "16 bits"
    scaled = (values / most * 255).clip(0, 255).round().astype(np.uint8)
    return Image.fromarray(scaled), f"{kind} reduced to 8"


def _in_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, list[str]]:
    """Convert a picture from its colour profile, such as a phone's Display P3, to sRGB."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(source).strip()
        if "srgb" in name.lower() and image.mode == "RGB":
            return image, []
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, ImportError, OSError, ValueError):
        return image, ["its colour profile is not readable and was left out"]
    assert converted is not None
    return converted, [f"colours converted from {name} to sRGB"]
