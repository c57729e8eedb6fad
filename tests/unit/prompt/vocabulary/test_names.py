"""The name lists: their file, its format, and its names."""

from __future__ import annotations

import random
import string
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tipo_core.prompt import Category, category, is_known_name
from tipo_core.prompt.vocabulary import names
from tipo_core.prompt.vocabulary.names import CATEGORIES, NAMES_FILE, name_category, pack, read

MADE_UP = {f"{kind} {number}": kind for kind in CATEGORIES for number in range(25)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "made-up.bin"
    path.write_bytes(pack(MADE_UP))
    return path


def test_packed_names_are_read_back(file: Path) -> None:
    table = read(file)
    assert {name: table.category(name) for name in MADE_UP} == MADE_UP
    assert table.category("artist 25") is None
    assert table.category("") is None
    assert table.category("artist 1" * 100_000) is None
    assert table.category("\ud800") is None


def test_order_of_names_does_not_matter() -> None:
    assert pack(dict(reversed(MADE_UP.items()))) == pack(MADE_UP)


def test_no_names(tmp_path: Path) -> None:
    path = tmp_path / "empty.bin"
    path.write_bytes(pack({}))
    assert read(path).category("wlop") is None


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda content: b"", "cut short"),
        (lambda content: content[:20], "cut short"),
        (lambda content: content[:-1], "length"),
        (lambda content: content + b"\0", "length"),
        (lambda content: content[:-30] + bytes([content[-30] ^ 1]) + content[-29:], "checksum"),
        (lambda content: b"X" + content[1:], "not a name list"),
        (lambda content: content[:8] + b"\x09" + content[9:], "not a name list"),
    ],
)
def test_damaged_file(file: Path, harm: Callable[[bytes], bytes], problem: str) -> None:
    file.write_bytes(harm(file.read_bytes()))
    with pytest.raises(ValueError, match=problem) as error:
        read(file)
    assert str(file) in str(error.value)
    assert "install the pack again" in str(error.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.bin.*install the pack again"):
        read(tmp_path / "nowhere.bin")


def test_shipped_file_is_small() -> None:
    assert NAMES_FILE.stat().st_size < 8_000_000


def test_one_load_for_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Path] = []

    def counted(path: Path) -> names.NameTable:
        loads.append(path)
        return read(path)

    monkeypatch.setattr(names, "_loaded", [])
    monkeypatch.setattr(names, "read", counted)
    found: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(name_category("wlop"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["artist"] * 8
    assert loads == [NAMES_FILE]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("wlop", Category.ARTIST),
        ("Greg_Rutkowski", Category.ARTIST),
        ("hatsune miku", Category.CHARACTERS),
        ("Hatsune_Miku_\\(Append\\)", Category.CHARACTERS),
        ("saber (fate)", Category.CHARACTERS),
        ("link", Category.CHARACTERS),
        ("original", Category.COPYRIGHTS),
        ("honkai:_star_rail", Category.COPYRIGHTS),
        ("one piece", Category.COPYRIGHTS),
        ("watercolor (medium)", Category.META),
        ("concept art", Category.META),
        ("highres", Category.META),
    ],
)
def test_names_in_any_spelling(tag: str, expected: Category) -> None:
    assert category(tag) is expected
    assert is_known_name(tag)


@pytest.mark.parametrize(
    "word",
    (
        "smile hat red book window sunset flower cat dog table girl boy anime hair dress "
        # There are artists, characters or series of these names.
        "an it in_a at_night ominous mystical vogue still north kitty hydrant unreal lost another "
        "the_rain the_room a_dog this_man black_water morning_light in_the_water on_a_leash "
        "mm 1999 sparrows bandits cottage given heavy_rain pretty_face void turquoise"
    ).split(),
)
def test_ordinary_words_are_not_names(word: str) -> None:
    assert category(word) is Category.GENERAL
    assert not is_known_name(word)


def test_hand_tables_come_first() -> None:
    assert category("1girl") is category("6+boys") is Category.SPECIAL
    assert not is_known_name("1girl")
    assert category("artist:ominous") is category("drawn by ominous") is Category.ARTIST


def test_random_texts_are_not_names() -> None:
    rng = random.Random(1)
    letters = string.ascii_lowercase + "  "
    texts = {"".join(rng.choices(letters, k=rng.randint(14, 30))) for _ in range(20_000)}
    assert [text for text in texts if name_category(text)] == []
