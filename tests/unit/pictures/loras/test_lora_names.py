"""From a name in a tag to a file, compared with A1111's and prompt-control's look-up."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from tipo_core.pictures.loras.lora_names import LoraNames

FILES = [
    "a.safetensors",
    "b.safetensors",
    "sd15/b.safetensors",
    "sd15/c.safetensors",
    "xl\\c.safetensors",
    "cats_and_dogs.safetensors",
    "Big Hat.safetensors",
    "v1.5.safetensors",
    "old.pt",
    "both.pt",
    "both.safetensors",
    "xl/red_cats.safetensors",
    "flux/red_cats.safetensors",
    "flux/blue_cats.safetensors",
]
NAMES = LoraNames(FILES)


def by_prompt_control(name: str) -> str | None:
    """The first file whose path, stem or stem with underscores is the name; else the only one
    that has all words of the name."""
    if name in FILES:
        return name
    for wanted in (name, name.replace(" ", "_")):
        for file in FILES:
            path = PurePosixPath(file).with_suffix("")
            if wanted in (path.name, str(path)):
                return file
    found = [file for file in FILES if all(word in file for word in name.split())]
    return found[0] if len(found) == 1 else None


@pytest.mark.parametrize(
    "name",
    [
        *("a", "a.safetensors", "b", "sd15/b", "sd15/c", "cats_and_dogs", "cats and dogs"),
        *("v1.5", "Big Hat", "red xl", "cats xl", "xl/red cats", "blue_cats"),
    ],
)
def test_names_of_prompt_control(name: str) -> None:
    assert NAMES.find(name) == by_prompt_control(name)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("big_hat", "Big Hat.safetensors"),
        ("CATS AND_dogs", "cats_and_dogs.safetensors"),
        ("xl/c", "xl\\c.safetensors"),
        ("xl\\c.safetensors", "xl\\c.safetensors"),
        ("both", "both.safetensors"),
        ("SD15/B", "sd15/b.safetensors"),
    ],
)
def test_other_spellings(name: str, file: str) -> None:
    assert NAMES.find(name) == file


@pytest.mark.parametrize("name", ["c", "red_cats", "red cats"])
def test_several_files_are_named(name: str) -> None:
    with pytest.raises(ValueError, match=r"has 2 files: '.*', '.*'\. Write the path"):
        NAMES.find(name)


@pytest.mark.parametrize("name", ["old", "old.pt", "OLD"])
def test_formats_that_can_run_code_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"'old\.pt' is not in the safetensors format"):
        NAMES.find(name)


@pytest.mark.parametrize("name", ["", "d", "../a", "/etc/passwd", "sd15", "sd15/", ".", "a/b/c"])
def test_names_without_a_file_are_missing(name: str) -> None:
    with pytest.raises(LookupError):
        NAMES.find(name)


def test_near_names_are_offered() -> None:
    with pytest.raises(LookupError, match=r"did you mean 'cats_and_dogs'\?"):
        NAMES.find("kats and dogs")
