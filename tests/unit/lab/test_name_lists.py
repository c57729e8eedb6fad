"""The name lists are built from the lists of tipo-kgen, without ordinary words."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from lab import name_lists
from tipo_core.prompt.vocabulary.names import read

LISTS = {
    "artist": ["mira vanto", "gloomy", "dark lake", "lake", "x y", "qz", "1999", "48151", "1girl"],
    "characters": ["Nerine_Holt", "the lake", "gloom (dark)", "of the lake", "mira vanto"],
    "copyrights": ["dark lake", "the dark lake", "lakes", "in a lake", "lakes of vanto", ""],
    "meta": ["highres", "lake (medium)"],
}
WORDS = "# nouns\nlake\ngloom gloomy dark # and so on\nof the in a\nmira_holt\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, lines in LISTS.items():
        (tmp_path / f"{name}.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "words").write_text(WORDS, encoding="utf-8")
    return tmp_path


def test_ordinary_words_are_left_out(folder: Path) -> None:
    words = name_lists.read_words(folder / "words")
    assert "mira holt" in words
    built = name_lists.build(name_lists.read_lists(folder), words)
    assert dict(built.categories) == {
        "highres": "meta",
        "lake (medium)": "meta",
        "nerine holt": "characters",
        "gloom (dark)": "characters",
        "mira vanto": "characters",
        "dark lake": "copyrights",
        "the dark lake": "copyrights",
        "lakes of vanto": "copyrights",
        "48151": "artist",
    }
    assert set(built.left_out) == {
        *("gloomy", "lake", "x y", "qz", "1999"),
        *("the lake", "of the lake", "lakes", "in a lake"),
    }


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("lakes", True),
        ("boxes", True),
        ("berries", True),
        ("waited", True),
        ("smiling", True),
        ("running", True),
        ("starly", False),
        ("mes", False),
        ("raked", False),
    ],
)
def test_regular_forms(word: str, expected: bool) -> None:
    words = frozenset("lake box berry wait smile run star me".split())
    assert name_lists._is_word(word, words) is expected


def test_wheel_and_folder_give_the_same_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = folder / "lists.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in LISTS:
            archive.write(folder / f"{name}.txt", f"kgen/tag-list/{name}.txt")
    for source, out in ((folder, "first.bin"), (wheel, "second.bin")):
        arguments = ["--lists", source, "--words", folder / "words", "--out", folder / out]
        monkeypatch.setattr(sys, "argv", ["name_lists", *map(str, arguments)])
        assert name_lists.main() == 0
    assert (folder / "first.bin").read_bytes() == (folder / "second.bin").read_bytes()
    assert read(folder / "first.bin").category("nerine holt") == "characters"
    assert "9 names" in capsys.readouterr().out


def test_missing_list(folder: Path) -> None:
    (folder / "meta.txt").unlink()
    with pytest.raises(ValueError, match=r"meta\.txt.*tipo-kgen"):
        name_lists.read_lists(folder)


def test_no_wheel(folder: Path) -> None:
    with pytest.raises(ValueError, match="is not a wheel"):
        name_lists.read_lists(folder / "words")
