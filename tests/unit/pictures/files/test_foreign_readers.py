"""Pictures of every format, read by readers of other projects.

Each reader gets two files with the same prompts and settings: ours, and one that A1111's code
writes. Where a field does not come back from ours, it does not come back from A1111's either: then
the fault is the reader's own, and `FAULTS` names it.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.unit.pictures.files.foreign_readers import (
    READERS,
    Found,
    a1111_file,
    a1111_text,
    text_by_exiv2,
    texts_by_exiftool,
)
from tipo_core.pictures.files.file_hashes import PictureHashes
from tipo_core.pictures.files.formats import FORMATS, encode_png, lossy_encoder
from tipo_core.pictures.files.generation_settings import GenerationSettings
from tipo_core.pictures.files.infotext import NO_HASHES, infotext
from tipo_core.pictures.files.metadata import ImageMetadata

PICTURE = Image.linear_gradient("L").convert("RGB").resize((64, 48))
GRAPH = {
    "prompt": {"1": {"class_type": "KSampler", "inputs": {"text": "Steps: 1, a: b"}}},
    "workflow": {"nodes": [{"id": 1, "type": "KSampler"}], "version": 0.4},
}
LARGEST_SEED = 2**64 - 1
WORDS = "1girl, solo, long hair, looking at viewer, smile, open mouth, masterpiece, best quality, "

# name -> prompt, negative prompt
PROMPTS: dict[str, tuple[str, str]] = {
    "plain": ("1girl, cat ears", "lowres, blurry"),
    "empty negative": ("1girl, cat ears", ""),
    "empty prompt": ("", "lowres"),
    "empty": ("", ""),
    "weights": ("(cat:1.2), [dog:0.8], ((tree)), \\(escaped\\)", "(bad hands:1.4)"),
    "schedule": ("[cat:dog:0.5] and [a|b], (x:0.5)", "[from::10]"),
    "lora": ("<lora:name_v1.0:0.8>, 1girl", "embedding:easynegative"),
    "colons": ("title: the cat: a story", "time: 12:30:45"),
    "many pairs": ("eyes: blue, hair: red, dress: white, sky: grey", "a: b, c: d, e: f"),
    "double quotes": ('a sign that says "open"', '"lowres"'),
    "quoted pair": ('text: "hello, world: now"', 'say: "no"'),
    "single quotes": ("the cat's \u2018hat\u2019", "don't"),
    "backslashes": ("path C:\\new\\table \\(x\\)", "\\n is no newline"),
    "newlines": ("first line,\nsecond line,\nthird", "bad,\nworse"),
    "blank lines": ("first\n\nlast", "bad\n\nworse"),
    "spaces in lines": ("first ,  second\nthird", "a  b"),
    "emoji": ("\U0001f408 on a \U0001f3e0, \U0001f469\u200d\U0001f680", "\U0001f622"),
    "emoji flags": ("flag \U0001f1ef\U0001f1f5", "\u2764\ufe0f"),
    "japanese": (
        "\u732b\u8033\u306e\u5973\u306e\u5b50\u3001\u5915\u66ae\u308c",
        "\u4f4e\u54c1\u8cea",
    ),
    "korean": ("\uace0\uc591\uc774, \uc77c\ubab0", "\uc800\ud488\uc9c8"),
    "cyrillic": (
        "\u043a\u043e\u0448\u043a\u0430, \u0434\u043e\u043c",
        "\u0440\u0430\u0437\u043c\u044b\u0442\u043e",
    ),
    "latin": ("caf\u00e9 \u00fcber na\u00efve \u00a9 \u00bd", "gr\u00f6\u00dfe"),
    "crossed o": ("\u00d8resund, S\u00d8REN", "\u00df\u00e6"),
    "Steps inside": ("Steps: 3 of a temple, stone", "Steps: none"),
    "Steps in a line": ("a temple\nSteps: 3 of stone\nsky", "lowres"),
    "Negative inside": ("a poster: Negative prompt: none", "lowres"),
    "Negative in a line": ("a poster\nNegative prompt: none", "lowres"),
    "Negative in the negative": ("a poster", "lowres, Negative prompt: x"),
    "json": ('{"prompt": "cat", "steps": 20}', "{}"),
    "markup": ("<b>bold</b> &amp; <lora:x:1>", "<i>"),
    "long": ((WORDS * 40).strip(), (WORDS * 20).strip()),
    "BREAK": ("a castle BREAK a forest AND a lake :0.5", "BREAK"),
}

SETTINGS = GenerationSettings(
    steps=20,
    sampler="dpmpp_2m",
    scheduler="karras",
    cfg=6.5,
    seed=LARGEST_SEED,
    model="model v1.5",
)
# What A1111 writes for SETTINGS.
WRITTEN = {
    "Steps": 20,
    "Sampler": "DPM++ 2M Karras",
    "Schedule type": "Karras",
    "CFG scale": 6.5,
    "Seed": LARGEST_SEED,
    "Size": "64x48",
    "Model": "model v1.5",
    "Version": "ComfyUI",
}
VALUES = ("20", "DPM++ 2M Karras", "6.5", str(LARGEST_SEED), "model v1.5")

# Faults of the readers: (reader, prompt) -> the reason. They lose the same fields of A1111's files.
# A prompt with a line "Negative prompt:" cannot be told from a negative prompt by anyone.
SPLITS = "takes every 'Negative prompt:' for the beginning of the negative prompt"
FAULTS: dict[tuple[str, str], str] = {
    ("A1111", "Negative in a line"): "starts the negative prompt at the first such line",
    ("sd-parsers", "Negative inside"): f"{SPLITS}, and then raises",
    ("sd-parsers", "Negative in a line"): f"{SPLITS}, and then raises",
    ("sd-parsers", "Negative in the negative"): f"{SPLITS}, and then raises",
    ("CivitAI", "Negative inside"): SPLITS,
    ("CivitAI", "Negative in a line"): SPLITS,
    ("CivitAI", "Negative in the negative"): SPLITS,
    ("CivitAI", "blank lines"): "drops empty lines",
    ("CivitAI", "Steps in a line"): "takes the first line that begins with 'Steps:'",
    ("CivitAI", "Steps inside"): "takes the first line that begins with 'Steps:'",
    ("SD Prompt Reader", "Steps in a line"): "takes the first line that begins with 'Steps:'",
    ("SD Prompt Reader", "Negative in a line"): "starts at the first such line",
    ("SD Prompt Reader", "empty"): "does not see settings in the first line",
    ("SD Prompt Reader", "empty prompt"): "does not see a negative prompt in the first line",
}
UNREAD = {("sd-parsers", "avif"), ("SD Prompt Reader", "avif")}  # they know no AVIF
# SD Prompt Reader decodes UTF-16 in the wrong byte order first, and gives up if that fails.
WRONG_ORDER = {"crossed o", "latin"}


def our_file(format: str, prompt: str, negative: str, hashes: PictureHashes = NO_HASHES) -> bytes:
    generation = replace(SETTINGS, positive=prompt, negative=negative)
    text = infotext(generation, "", PICTURE.size, "ComfyUI", hashes)
    metadata = ImageMetadata(GRAPH, text)
    if format == "png":
        return encode_png(PICTURE, metadata)
    return lossy_encoder(format, PICTURE, metadata).encode(80)


def outcome(reader: str, content: bytes) -> Found | str:
    """The fields that a reader finds, or the kind of its error."""
    try:
        return READERS[reader](content)
    except Exception as error:
        return type(error).__name__


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("reader", READERS)
def test_every_field_comes_back(reader: str, format: str) -> None:
    lost = set()
    for name, (prompt, negative) in PROMPTS.items():
        found = outcome(reader, our_file(format, prompt, negative))
        text = a1111_text(prompt, negative, WRITTEN)
        theirs = outcome(reader, a1111_file(PICTURE, text, format))
        assert found == theirs, f"{name}: A1111's file gives another result"
        if found != Found(prompt, negative, VALUES):
            lost.add(name)
    if (reader, format) in UNREAD:
        assert lost == set(PROMPTS)
    else:
        assert lost == faults_of(reader, format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("reader", READERS)
def test_hashes_disturb_no_reader(reader: str, format: str) -> None:
    loras = {"style 1 x": "0" * 12, "b (c)": "1" * 12}
    hashes = PictureHashes("2" * 10, "3" * 10, loras, {"neg": "4" * 12})
    found = outcome(reader, our_file(format, "1girl, cat", "lowres", hashes))
    if (reader, format) in UNREAD:
        assert isinstance(found, str)
    else:
        assert found == Found("1girl, cat", "lowres", VALUES)


def faults_of(reader: str, format: str) -> set[str]:
    """The prompts that a reader does not give back."""
    found = {name for known, name in FAULTS if known == reader}
    if reader == "SD Prompt Reader" and format in ("jpeg", "webp"):
        found |= WRONG_ORDER | {"json"}  # it takes a brace for the beginning of JSON
    return found


def test_graph_stands_in_no_tag_that_stops_a_reader() -> None:
    """SD Prompt Reader fails at a Model that is not JSON, and CivitAI looks there for a graph."""
    for format in ("webp", "jpeg", "avif"):
        encode = lossy_encoder(format, PICTURE, ImageMetadata(GRAPH, "1girl")).encode
        with Image.open(BytesIO(encode(80))) as image:
            texts = {tag: text for tag, text in image.getexif().items() if isinstance(text, str)}
        assert 0x0110 not in texts
        kept = {text.split(":")[0] for text in texts.values()}
        assert kept == ({"workflow"} if format == "jpeg" else {"workflow", "prompt"})
        encode = lossy_encoder(format, PICTURE, ImageMetadata(GRAPH)).encode
        with Image.open(BytesIO(encode(80))) as image:
            assert (0x0110 in image.getexif()) == (format != "jpeg"), "nothing to read for them"


def written(folder: Path, writer: Any, ending: str) -> dict[str, Path]:
    files = {}
    for name, (prompt, negative) in PROMPTS.items():
        files[name] = folder / f"{name.replace(' ', '_')}.{ending}"
        files[name].write_bytes(writer(prompt, negative))
    return files


@pytest.mark.parametrize("format", FORMATS)
def test_exiftool_finds_the_text(format: str, tmp_path: Path) -> None:
    if not shutil.which("exiftool"):
        pytest.skip("exiftool is not installed")
    files = written(tmp_path, lambda *texts: our_file(format, *texts), format)
    found = texts_by_exiftool(list(files.values()))
    for name, (prompt, negative) in PROMPTS.items():
        expected = a1111_text(prompt, negative, WRITTEN)
        assert found[files[name].name] == expected, name


@pytest.mark.parametrize("format", FORMATS)
def test_exiv2_finds_the_text(format: str, tmp_path: Path) -> None:
    if not shutil.which("exiv2"):
        pytest.skip("exiv2 is not installed")
    ours = written(tmp_path, lambda *texts: our_file(format, *texts), format)
    for name, (prompt, negative) in PROMPTS.items():
        expected = a1111_text(prompt, negative, WRITTEN)
        theirs = tmp_path / f"a1111.{format}"
        theirs.write_bytes(a1111_file(PICTURE, expected, format))
        found = text_by_exiv2(ours[name])
        assert found == text_by_exiv2(theirs), (name, "A1111's file gives another result")
        # exiv2 converts UCS-2, which has no characters above U+FFFF, and knows no `parameters`.
        if format in ("jpeg", "webp") and not any(ord(letter) > 0xFFFF for letter in expected):
            assert found == expected, name
