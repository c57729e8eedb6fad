from __future__ import annotations

import json
from io import BytesIO

import pytest
from PIL import Image

from tests.front_end import dropped, read_png
from tipo_core.pictures.files.formats import FORMATS, encode_png, lossy_encoder
from tipo_core.pictures.files.metadata import ImageMetadata, exif_bytes, fitting_exif, storable

PROMPT = "1girl, cat ears, (rain:1.2), \u732b\u8033"
GRAPH = {"prompt": {"1": {"class_type": "X"}}, "workflow": {"nodes": ["\u732b"]}, "more": [1, 2]}
WHOLE = ImageMetadata(GRAPH, PROMPT)
PICTURE = Image.linear_gradient("L").convert("RGB").resize((64, 48))


def encode(image: Image.Image, metadata: ImageMetadata, format: str) -> bytes:
    if format == "png":
        return encode_png(image, metadata)
    return lossy_encoder(format, image, metadata).encode(90)


def test_png_is_lossless_and_readable_by_others() -> None:
    with Image.open(BytesIO(encode_png(PICTURE, WHOLE))) as image:
        assert image.tobytes() == PICTURE.tobytes()
        assert {key: json.loads(image.text[key]) for key in GRAPH} == GRAPH
        assert image.text["parameters"] == PROMPT


def test_parameters_alone_are_left_to_the_front_end() -> None:
    content = encode_png(PICTURE, ImageMetadata(parameters="1girl"))
    assert read_png(content) == {"parameters": "1girl"}
    assert dropped(content, "image/png") == ("A1111", "1girl")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize("format", ["png", "webp", "avif"])
def test_dropped_file_gives_the_workflow_back_in_any_size(format: str, mode: str) -> None:
    # An alpha of noise makes WebP chunks of any length, odd ones too. In a PNG the front end would
    # import `parameters` as an A1111 prompt, and drop the graph, if they were there.
    for side in range(9, 21):
        image = Image.effect_noise((side, side), 90).convert("RGB")
        if mode == "RGBA":
            image.putalpha(Image.effect_noise((side, side), 90))
        content = encode(image.convert(mode), WHOLE, format)
        assert dropped(content, f"image/{format}") == ("workflow", GRAPH["workflow"]), side


@pytest.mark.parametrize("format", ["png", "webp", "avif"])
def test_dropped_file_of_a_graph_without_page_gives_the_prompt(format: str) -> None:
    # A node that always runs has NaN in the graph, which is not JSON.
    prompt = {"1": {"class_type": "X", "is_changed": [float("nan")]}}
    content = encode(PICTURE, ImageMetadata({"prompt": prompt}, PROMPT), format)
    expected = {"1": {"class_type": "X", "is_changed": [None]}}
    assert dropped(content, f"image/{format}") == ("prompt", expected)


def test_front_end_reads_no_graph_from_jpeg() -> None:
    assert dropped(encode(PICTURE, WHOLE, "jpeg"), "image/jpeg") == ("error", None)


@pytest.mark.parametrize("format", ["webp", "jpeg", "avif"])
def test_exif_keeps_graph_and_prompt_for_other_readers(format: str) -> None:
    with Image.open(BytesIO(encode(PICTURE, WHOLE, format))) as image:
        exif = image.getexif()
    assert exif[0x010F].startswith("workflow:{")
    texts = (value for value in exif.values() if isinstance(value, str))
    found = {key: json.loads(value) for key, value in (text.split(":", 1) for text in texts)}
    assert found == {k: v for k, v in GRAPH.items() if format != "jpeg" or k != "prompt"}
    comment = exif.get_ifd(0x8769)[0x9286]
    assert comment.removeprefix(b"UNICODE\0").decode("utf-16-be") == PROMPT


@pytest.mark.parametrize("format", FORMATS)
def test_without_metadata_nothing_is_written_beside_the_pixels(format: str) -> None:
    content = encode(PICTURE, ImageMetadata(), format)
    with Image.open(BytesIO(content)) as image:
        assert not image.getexif()
        assert not getattr(image, "text", None)
    assert b"Exif" not in content and b"EXIF" not in content


@pytest.mark.parametrize(
    ("sizes", "left_out"),
    [
        ({}, []),
        ({"workflow": 70_000}, ["workflow"]),
        ({"more": 70_000}, ["workflow", "more"]),
        ({"prompt": 70_000}, []),
        ({"workflow": 40_000, "more": 40_000}, ["workflow"]),
        ({"parameters": 40_000}, ["workflow", "more", "parameters"]),
    ],
)
def test_parameters_are_the_last_to_leave_a_full_jpeg(
    sizes: dict[str, int], left_out: list[str]
) -> None:
    parameters = PROMPT + "x" * sizes.pop("parameters", 0)
    metadata = ImageMetadata(GRAPH | {key: "x" * size for key, size in sizes.items()}, parameters)
    encoder = lossy_encoder("jpeg", PICTURE, metadata)
    assert encoder.left_out == left_out
    with Image.open(BytesIO(encoder.encode(90))) as image:
        exif = image.getexif()
    texts = [value for value in exif.values() if isinstance(value, str)]
    kept = {text.split(":", 1)[0] for text in texts} | ({"parameters"} if 0x8769 in exif else set())
    assert kept == {"workflow", "more", "parameters"} - set(left_out)


def test_exif_up_to_the_last_byte_fits_a_jpeg() -> None:
    # Values have an even length, so that 65,532 bytes is the most that can be reached.
    largest = "x" * (65532 - len(exif_bytes(ImageMetadata({"workflow": ""}))))
    for size in range(len(largest) - 2, len(largest) + 3):
        metadata = ImageMetadata({"workflow": "x" * size})
        fits = len(exif_bytes(metadata)) <= 65533
        encoder = lossy_encoder("jpeg", PICTURE, metadata)
        assert encoder.left_out == ([] if fits else ["workflow"])
        assert (b"\xff\xe1" in encoder.encode(90)[:64]) == fits
        assert fits == (size <= len(largest)), "the test is at the limit"
    assert fitting_exif(ImageMetadata(), 0) == (b"", [])
    whole = exif_bytes(WHOLE)
    assert fitting_exif(WHOLE, len(whole)) == (whole, [])
    assert fitting_exif(WHOLE, len(whole) - 1)[1] == ["workflow"]


def test_metadata_that_no_format_stores_is_left_out() -> None:
    graph = {"prompt": 1, "\u732b": 2, "": 3, "a\0b": 4, "k" * 80: 5, "workflow": 6}
    metadata = storable(graph, "half of a pair: \ud83d!")
    assert metadata == ImageMetadata({"prompt": 1, "workflow": 6}, "half of a pair: ?!")
    many = ImageMetadata({f"key{i}": i for i in range(40)} | GRAPH, PROMPT)
    for format in FORMATS:
        kind = dropped(encode(PICTURE, many, format), f"image/{format}")[0]
        assert kind == ("error" if format == "jpeg" else "workflow")
