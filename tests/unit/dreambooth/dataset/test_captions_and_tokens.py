"""Captions beside pictures, A1111's words in prompts, and rare tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tipo_core.dreambooth.dataset.caption_files import caption_for, captions_of_files
from tipo_core.dreambooth.dataset.rare_tokens import (
    DEFAULT_TOKEN,
    RARE_TOKENS,
    has_token,
    token_lines,
    without_token,
)


def test_captions_belong_to_pictures_of_their_name(tmp_path: Path) -> None:
    contents = {
        "a.txt": b"sks dog,\n on grass \n",
        "b.png.txt": b"\xef\xbb\xbfsks dog",
        "c.txt": b" ",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    pictures = [tmp_path / name for name in ("a.png", "b.png", "c.png", "d.png")]
    captions, notes = captions_of_files(pictures, [tmp_path / name for name in contents])
    assert captions == {"a.png": "sks dog, on grass", "b.png": "sks dog"}
    assert notes == ["c.txt: empty, the prompt is used"]


@pytest.mark.parametrize("content", [b"\xff\xfea\0", "Straße".encode("latin-1"), b"a" * 70000])
def test_unreadable_captions_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    captions, (note,) = captions_of_files([tmp_path / "a.png"], [tmp_path / "a.txt"])
    assert not captions and note.startswith("a.txt: not readable as UTF-8 text")


def test_a_caption_without_a_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("x")
    _, notes = captions_of_files([tmp_path / "a.png"], [tmp_path / "b.txt"])
    assert notes == ["b.txt: a caption without a picture"]


@pytest.mark.parametrize(
    ("prompt", "caption", "wanted"),
    [
        ("sks dog", None, "sks dog"),
        ("sks dog", "a dog in the sun", "a dog in the sun"),
        ("a photo of [name] dog, [filewords]", "sunny", "a photo of sks dog, sunny"),
        ("a photo of [name] dog, [filewords]", None, "a photo of sks dog"),
        ("sks dog", "[name] dog, sunny", "sks dog, sunny"),
    ],
)
def test_caption_of_a_picture(prompt: str, caption: str | None, wanted: str) -> None:
    assert caption_for(prompt, "sks", caption) == wanted


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("sks critter", "critter"),
        ("a photo of sks dog", "a photo of dog"),
        ("critter, sks, red", "critter, red"),
        ("skss dog", "skss dog"),
    ],
)
def test_class_prompt_is_the_prompt_without_the_token(prompt: str, wanted: str) -> None:
    assert without_token(prompt, "sks") == wanted


def test_token_as_a_word() -> None:
    assert has_token("a sks dog", "sks") and not has_token("asks", "sks")
    assert DEFAULT_TOKEN == RARE_TOKENS[0] == "sks"


def test_lines_on_tokens() -> None:
    lines = token_lines("zwx", {"clip_l": 2, "clip_g": 1, "t5xxl": 0}, {"clip_l": ("sks", "ohwx")})
    assert lines == [
        "warning: token 'zwx' in clip_l: 2 tokens, each of which means something already; one "
        "token: sks, ohwx",
        "token 'zwx' in clip_g: 1 token",
        "warning: token 'zwx' in t5xxl: 0 tokens, the encoder does not read it: choose another "
        "word",
    ]
