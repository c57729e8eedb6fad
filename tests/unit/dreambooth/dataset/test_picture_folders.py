"""Folders of pictures below a root: the menu, what leads out, and the files of one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from tipo_core.dreambooth.dataset.picture_folders import (
    files_of_folder,
    find_folder,
    folder_names,
    name_note,
    natural_key,
)


def put(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (8, 8)).save(folder / name, "PNG")
    return folder


def test_the_menu_has_folders_with_pictures(tmp_path: Path) -> None:
    root = put(tmp_path / "input", "single.png")
    put(root / "dog10", "a.png")
    put(root / "dog9" / "best", "a.PNG")
    put(root / "a" / "b" / "c" / "d", "too deep.png")
    put(root / ".hidden", "a.png")
    (root / "empty").mkdir()
    assert folder_names(root) == ["dog9/best", "dog10"]


@pytest.mark.skipif(os.name == "nt", reason="Windows grants links to few users")
def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside", "secret.png")
    root = put(tmp_path / "input")
    (root / "link").symlink_to(outside)
    assert folder_names(root) == []
    with pytest.raises(ValueError, match="link out of the input folder"):
        find_folder(root, "link")
    folder = put(root / "dog", "a.png")
    (folder / "b.png").symlink_to(outside / "secret.png")
    files = files_of_folder(folder)
    assert [path.name for path in files.pictures] == ["a.png"]
    assert files.others == (("b.png", "a link out of the folder, not read"),)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/../../x", "/etc", "a\0b", "a\\..\\.."])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="choose one from the menu"):
        find_folder(tmp_path, name)


def test_unknown_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder 'dog'.*press R"):
        find_folder(tmp_path, "dog")
    put(tmp_path / "cat" / "best", "a.png")
    assert find_folder(tmp_path, "cat/best").name == "best"
    assert find_folder(tmp_path, "cat\\best").name == "best"


def test_files_are_told_apart_in_natural_order(tmp_path: Path) -> None:
    folder = put(tmp_path / "dog", "10.png", "2.png", "1.JPG")
    for name in (
        "2.txt",
        "notes.pdf",
        "photo.heic",
        ".DS_Store",
        "Thumbs.db",
        "cache.npz",
        "x.caption",
    ):
        (folder / name).write_text("x")
    (folder / "sub").mkdir()
    files = files_of_folder(folder)
    assert [path.name for path in files.pictures] == ["1.JPG", "2.png", "10.png"]
    assert [path.name for path in files.captions] == ["2.txt", "x.caption"]
    assert files.others == (
        ("notes.pdf", "no picture"),
        ("photo.heic", "heic is not read: save it as PNG or JPEG"),
    )


@pytest.mark.parametrize("name", ["10_sks dog", "sets/10_sks dog"])
def test_names_of_kohyas_folders_are_explained(name: str) -> None:
    assert "means 10 repeats of 'sks dog'" in name_note(name)
    assert name_note("dog") == name_note("10_a/dog") == name_note("example: sks critter") == ""


def test_natural_order_of_any_names() -> None:
    names = ["b", "a10", "a9", "", "10", "9a", "²", "\uff19"]
    assert sorted(sorted(names, key=natural_key), key=natural_key)[0] == ""
