"""Class pictures on the disk: resumed, rejected by hand, written whole, damaged files."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tipo_core.dreambooth.dataset import class_image_store
from tipo_core.dreambooth.dataset.class_image_store import ClassImageStore, recipe_digest
from tipo_core.pictures.files.image_file import write_whole

RECIPE = {"model": "abc", "prompt": "critter", "seed": 0}


@pytest.fixture
def store(tmp_path: Path) -> ClassImageStore:
    made = ClassImageStore(tmp_path / "tipo-class-images", RECIPE)
    made.open()
    return made


def latent(number: int) -> torch.Tensor:
    return torch.full((4, 2, 2), float(number))


def test_the_folder_is_a_digest_of_the_recipe(store: ClassImageStore) -> None:
    assert store.folder.name == recipe_digest(dict(reversed(RECIPE.items())))
    assert recipe_digest({**RECIPE, "seed": 1}) != store.folder.name
    assert json.loads((store.folder / "recipe.json").read_text("utf-8")) == RECIPE


def test_only_missing_pictures_are_drawn(store: ClassImageStore) -> None:
    assert store.numbers(3).missing == (1, 2, 3)
    for number in (1, 3):
        store.save(number, b"png", latent(number))
    numbers = store.numbers(4)
    assert (numbers.kept, numbers.missing, numbers.rejected) == ((1, 3), (2, 4), 0)
    assert store.numbers(1).kept == (1,)
    found = store.load(3)
    assert found is not None and torch.equal(found, latent(3))


def test_a_deleted_picture_is_rejected_and_replaced(store: ClassImageStore) -> None:
    for number in (1, 2, 3):
        store.save(number, b"png", latent(number))
    store.picture(2).unlink()
    numbers = store.numbers(3)
    assert (numbers.kept, numbers.missing, numbers.rejected) == ((1, 3), (4,), 1)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x10" + b"\0" * 30])
def test_a_damaged_latent_is_drawn_again(store: ClassImageStore, content: bytes) -> None:
    store.save(1, b"png", latent(1))
    store.picture(1).with_suffix(".safetensors").write_bytes(content)
    assert store.load(1) is None
    assert store.numbers(1).missing == (1,)


def test_latents_that_are_not_finite_are_drawn_again(store: ClassImageStore) -> None:
    store.save(1, b"png", torch.full((4, 2, 2), float("nan")))
    assert store.load(1) is None and store.numbers(1).missing == (1,)


def test_a_full_disk_leaves_no_half_picture(
    store: ClassImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        write_whole(path, content)

    monkeypatch.setattr(class_image_store, "write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        store.save(1, b"png", latent(1))
    assert [path.name for path in store.folder.iterdir()] == ["recipe.json"]


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match="class pictures cannot be made"):
        ClassImageStore(tmp_path / "file", RECIPE).open()


def test_any_recipe_has_a_safe_name(tmp_path: Path) -> None:
    odd: dict[str, Any] = {"prompt": "../../\0\ud800 critter"}
    store = ClassImageStore(tmp_path, odd)
    store.open()
    assert store.folder.parent == tmp_path and store.folder.name.isalnum()
