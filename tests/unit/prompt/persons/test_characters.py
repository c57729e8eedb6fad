"""The table of figures: known characters, its file, and what it must not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from tipo_core.prompt.persons.characters import (
    FIGURES_FILE,
    Figure,
    figure_of,
    pack_figures,
    read_figures,
)
from tipo_core.prompt.vocabulary.names import shipped_names

KNOWN_FILE = Path(__file__).with_name("known_characters.txt")


def known() -> dict[str, Figure]:
    found = {}
    for line in KNOWN_FILE.read_text("utf-8").splitlines():
        if ":" in line and not line.startswith("#"):
            sex, _, names = line.partition(": ")
            found.update(dict.fromkeys(names.split(", "), Figure(sex)))
    return found


def test_well_known_characters() -> None:
    listed = {name: sex for name, sex in known().items() if shipped_names().place(name) is not None}
    assert len(listed) > 300
    wrong = {name: figure_of(name) for name, sex in listed.items() if figure_of(name) is not sex}
    assert not {name for name, figure in wrong.items() if figure is not None}
    assert len(wrong) < 0.03 * len(listed)


@pytest.mark.parametrize(
    "name",
    ["", "x" * 999, "no such name here", "forest", "1girl", "ice king", "doctor (arknights)"],
)
def test_unknown_names(name: str) -> None:
    assert figure_of(name) is None


def test_a_packed_file_is_read_again(tmp_path: Path) -> None:
    names = shipped_names()
    figures = {"hatsune miku": Figure.GIRL, "pikachu": Figure.CREATURE, "not listed": Figure.BOY}
    path = tmp_path / "figures.bin"
    path.write_bytes(pack_figures(names, figures))
    bits = read_figures(path, len(names.rests))
    assert sum(bin(byte).count("1") for byte in bits) == 1 + 2  # 01 and 11


@pytest.mark.parametrize("damage", ["missing", "cut", "other", "empty"])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, damage: str) -> None:
    content = FIGURES_FILE.read_bytes()
    path = tmp_path / "figures.bin"
    if damage != "missing":
        damaged = {"cut": content[:-9], "other": b"X" + content[1:], "empty": b""}
        path.write_bytes(damaged[damage])
    with pytest.raises(ValueError, match="install the pack again"):
        read_figures(path, len(shipped_names().rests))
    with pytest.raises(ValueError, match="belongs to other name lists"):
        read_figures(FIGURES_FILE, 12)
