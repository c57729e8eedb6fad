"""Readers of A1111's metadata in pictures, each as its own project reads a file.

`piexif`, `sd_parsers`, `exiftool` and `exiv2` are those programs. The other readers are written
here from their behaviour: A1111's PNG Info, CivitAI's upload and SD Prompt Reader. They keep the
faults of the originals.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import piexif
import piexif.helper
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sd_parsers import ParserManager

# sd-parsers keeps the comment of the last picture by `id`: pictures must stay alive.
SEEN: list[Image.Image] = []
FIELDS = ("Steps", "Sampler", "CFG scale", "Seed", "Model")


@dataclass(frozen=True)
class Found:
    """The fields that a reader found; None for a missing one."""

    prompt: str | None
    negative: str | None
    settings: tuple[str | None, ...]  # in the order of FIELDS


def comment_by_piexif(content: bytes) -> str | None:
    """Return the EXIF comment, as PNG Info of A1111 and SD Prompt Reader do."""
    with Image.open(BytesIO(content)) as image:
        if "exif" not in image.info:
            return None
        exif = piexif.load(image.info["exif"])
    comment = exif["Exif"].get(piexif.ExifIFD.UserComment, b"")
    text: str = piexif.helper.UserComment.load(comment)
    return text


def text_by_pillow(content: bytes) -> str | None:
    """Return the text chunk of a PNG, else the EXIF comment."""
    with Image.open(BytesIO(content)) as image:
        chunk = image.info.get("parameters")
    return comment_by_piexif(content) or chunk


def read_a1111(content: bytes) -> Found:
    """PNG Info of A1111."""
    text = text_by_pillow(content) or ""
    settings = read_a1111_settings(text)
    lines = text.strip().split("\n")[: -1 if settings else None]
    parts: dict[bool, list[str]] = {False: [], True: []}
    in_negative = False
    for line in lines:
        line = line.strip()
        if line.startswith("Negative prompt:"):
            in_negative, line = True, line.removeprefix("Negative prompt:").strip()
        # A first empty line adds nothing.
        if line or any(parts[in_negative]):
            parts[in_negative].append(line)
    values = tuple(settings.get(field) for field in FIELDS)
    return Found("\n".join(parts[False]), "\n".join(parts[True]), values)


def read_a1111_settings(text: str) -> dict[str, str]:
    """The settings of the last line, if three or more `key: value` are in it."""
    entry = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
    settings = {}
    found = entry.findall(text.strip().split("\n")[-1])
    for key, value in found if len(found) >= 3 else []:
        is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
        settings[key] = json.loads(value) if is_quoted else value
    return settings


def read_sd_parsers(content: bytes) -> Found:
    with Image.open(BytesIO(content)) as image:
        SEEN.append(image)
        found = ParserManager().parse(image)
    if found is None:
        raise ValueError("no parameters")
    (sampler,) = found.samplers
    prompt = "\n".join(one.value for one in sampler.prompts)
    negative = "\n".join(one.value for one in sampler.negative_prompts)
    own = sampler.parameters
    values = (
        own.get("steps"),
        sampler.name,
        own.get("cfg_scale"),
        own.get("seed"),
        sampler.model.name if sampler.model else None,
    )
    return Found(prompt, negative, tuple(None if one is None else str(one) for one in values))


def read_prompt_reader(content: bytes) -> Found:
    """SD Prompt Reader 1.3.5."""
    with Image.open(BytesIO(content)) as image:
        info, format = dict(image.info), image.format
        model = image.getexif().get(0x0110)
        if model is not None:
            json.loads(model)  # StableSwarmUI's JSON; another text raises
    if format == "PNG":
        text = info["parameters"]
    elif format in ("JPEG", "WEBP"):
        comment = piexif.load(info["exif"])["Exif"][piexif.ExifIFD.UserComment]
        comment[8:].decode("utf-16")  # a search for StableSwarmUI's key, in the machine's order
        text = piexif.helper.UserComment.load(comment)
        if text[0] == "{":
            json.loads(text)  # Easy Diffusion's JSON; another text raises
    else:
        raise ValueError(f"{format} is not read")
    start = text.find("\nSteps:")
    settings = text[start:].strip() if start != -1 else ""
    prompt = text[:start].strip() if start != -1 else text
    negative = ""
    if "Negative prompt:" in text:
        at = text.find("\nNegative prompt:")
        end = start if start != -1 else len(text)
        negative, prompt = text[at + len("Negative prompt:") + 1 : end].strip(), text[:at].strip()
    entries: dict[str, str] = {}
    for key, value in re.findall(r"\s*([^:,]+):\s*([^,]+)", settings):
        entries.setdefault(key, value)
    return Found(prompt, negative, tuple(entries.get(field) for field in FIELDS))


def read_civitai(content: bytes) -> Found:
    """CivitAI's upload: the first line that starts with "Steps: " has the settings."""
    with Image.open(BytesIO(content)) as image:
        text = image.info.get("parameters") or ""
        comment = image.getexif().get_ifd(0x8769).get(0x9286)
    if not text and comment:
        even, odd = comment[8:1008:2].count(0), comment[9:1008:2].count(0)
        order = "utf-16-le" if odd > even else "utf-16-be"
        text = comment[8:].decode(order).replace("\0", "")
    if "Steps: " not in text:
        raise ValueError("no generation details")
    lines = [line for line in text.split("\n") if line.strip()]
    details = next((line for line in lines if line.startswith("Steps: ")), "")
    if details:
        lines.remove(details)
    prompt, *negative = (part.strip() for part in "\n".join(lines).split("Negative prompt:"))
    entries = civitai_entries(details)
    values = tuple(entries.get(field) for field in FIELDS)
    return Found(prompt, " ".join(negative).strip(), values)


def civitai_entries(line: str) -> dict[str, str]:
    found, key, value, is_quoted = {}, "", "", False
    for letter in line:
        if letter == '"':
            is_quoted = not is_quoted
        elif letter == ":" and not is_quoted:
            key, value = value.strip(), ""
        elif letter == "," and not is_quoted:
            if key:
                found[key] = value.strip()
            key = value = ""
        else:
            value += letter
    return found | ({key: value.strip()} if key else {})


READERS: dict[str, Callable[[bytes], Found]] = {
    "A1111": read_a1111,
    "sd-parsers": read_sd_parsers,
    "SD Prompt Reader": read_prompt_reader,
    "CivitAI": read_civitai,
}


def texts_by_exiftool(files: list[Path]) -> dict[str, str | None]:
    """Return the text of each file by its name."""
    command = ["exiftool", "-j", "-charset", "utf8", "-UserComment", "-Parameters", "-b"]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, check=True)
    entries = json.loads(done.stdout)
    return {
        Path(one["SourceFile"]).name: one.get("UserComment", one.get("Parameters"))
        for one in entries
    }


def text_by_exiv2(file: Path) -> str | None:
    command = ["exiv2", "-q", "-K", "Exif.Photo.UserComment", "-Pt", str(file)]
    done = subprocess.run(command, capture_output=True, check=False)
    text = done.stdout.decode("utf-8", "replace").removesuffix("\n")
    return text.removeprefix("charset=Unicode ") or None


def a1111_text(prompt: str, negative: str, settings: dict[str, object]) -> str:
    """The text as A1111 composes it."""

    def quoted(value: object) -> str:
        text = str(value)
        return json.dumps(text, ensure_ascii=False) if set(text) & set(",:\n") else text

    line = ", ".join(f"{key}: {quoted(value)}" for key, value in settings.items())
    negative_line = f"\nNegative prompt: {negative}" if negative else ""
    return f"{prompt}{negative_line}\n{line}".strip()


def a1111_file(image: Image.Image, text: str, format: str) -> bytes:
    """The file as A1111 writes it: a text chunk in a PNG, else piexif's EXIF."""
    file = BytesIO()
    if format == "png":
        info = PngInfo()
        info.add_text("parameters", text)
        image.save(file, "PNG", pnginfo=info)
        return file.getvalue()
    comment = piexif.helper.UserComment.dump(text, encoding="unicode")
    exif = piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}})
    image.save(file, format.upper(), exif=exif)
    return file.getvalue()
