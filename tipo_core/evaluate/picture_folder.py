"""List the picture files of a folder, and open one as RGB."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif")
_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")


class UnreadablePicture(Exception):
    """A file that is damaged or not a picture; the text says why."""


def picture_files(folder: Path) -> list[Path]:
    """Return the pictures in `folder` and its subfolders, in the order of their paths.

    Hidden files and folders (thumbnails, version control) are left out. Raises FileNotFoundError
    for a missing folder, ValueError for one without pictures.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: check the path")
    files = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
    if not files:
        raise ValueError(f"{folder} holds no picture: give one with {', '.join(SUFFIXES)} files")
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def open_picture(path: Path) -> Image:
    """Return the first frame of a picture as RGB, upright by EXIF, transparency over white.

    Raises UnreadablePicture.
    """
    from PIL import Image, ImageOps

    Image.init()
    try:
        with warnings.catch_warnings():
            # Large pictures are allowed; above twice the warning's size Pillow raises an error.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(
                path, formats=[name for name in _FORMATS if name in Image.OPEN]
            ) as file:
                upright = ImageOps.exif_transpose(file)
        return _rgb(upright)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        reason = str(error) or type(error).__name__
        if path.suffix.lower() == ".avif" and "AVIF" not in Image.OPEN:
            reason = "this Pillow cannot read AVIF: install 11.3 or newer"
        raise UnreadablePicture(reason) from error


def _rgb(picture: Image) -> Image:
    from PIL import Image

    if picture.mode.startswith("I"):
        # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling.
        return (
            picture.convert("I").point(lambda value: value / 257 + 0.5).convert("L").convert("RGB")
        )
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    ground = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(ground, layer).convert("RGB")
