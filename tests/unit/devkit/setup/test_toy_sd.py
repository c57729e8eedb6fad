"""The demo's checkpoint: made once, again after a change of its sources; its kinds of picture."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from devkit.messages import StepError
from devkit.setup import toy_sd
from devkit.setup.host import Host
from devkit.setup.layout import Layout, this_checkout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A checkout with packed weights of three bytes and a maker that copies them."""
    (tmp_path / toy_sd.PACKED).parent.mkdir(parents=True)
    (tmp_path / toy_sd.PACKED).write_bytes(b"one")
    for name in toy_sd.SOURCES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("import shutil, sys\nshutil.copy(*sys.argv[1:])\n")
    return Layout(tmp_path)


def make(layout: Layout) -> Path:
    return toy_sd.ensure_toy_sd(layout, Host(layout.comfyui, Path(sys.executable), "0", False))


def test_checkpoint_is_made_once_and_again_when_the_weights_change(layout: Layout) -> None:
    checkpoint = make(layout)
    assert checkpoint == layout.checkpoints / toy_sd.NAME and checkpoint.read_bytes() == b"one"
    checkpoint.write_bytes(b"as it was")
    assert make(layout).read_bytes() == b"as it was"
    (layout.root / toy_sd.PACKED).write_bytes(b"two")
    assert make(layout).read_bytes() == b"two"
    assert [path.name for path in layout.checkpoints.iterdir()] == [toy_sd.NAME]


def test_what_could_not_be_made_is_not_there_and_made_the_next_time(layout: Layout) -> None:
    maker = layout.root / toy_sd.MAKER
    good = maker.read_text()
    maker.write_text("raise SystemExit('no room')\n")
    with pytest.raises(StepError, match="no room"):
        make(layout)
    assert not (layout.checkpoints / toy_sd.NAME).exists()
    maker.write_text(good)
    assert make(layout).read_bytes() == b"one"


def test_missing_weights_are_an_error_that_says_how_to_get_them(layout: Layout) -> None:
    (layout.root / toy_sd.PACKED).unlink()
    with pytest.raises(StepError) as caught:
        make(layout)
    assert "git checkout -- " in caught.value.remedy


def test_a_portable_python_finds_the_pack(tmp_path: Path) -> None:
    """The maker runs as a file, in a Python that adds no folder to its path."""
    from devkit.setup.run_tool import run_tool

    broken = tmp_path / "packed.safetensors"
    broken.write_bytes(b"version https://git-lfs")
    maker = this_checkout().root / toy_sd.MAKER
    with pytest.raises(StepError, match=r"does not hold the packed weights of toy-sd"):
        run_tool("make", [sys.executable, "-P" if sys.version_info >= (3, 11) else "-s", maker,
                          broken, tmp_path / "out"])  # fmt: skip


def test_what_ships_is_at_most_40_mb_and_left_out_of_the_registry_archive() -> None:
    root = this_checkout().root
    assert (root / toy_sd.PACKED).stat().st_size <= 40_000_000
    assert toy_sd.PACKED.parts[0] + "/" in (root / ".comfyignore").read_text().split()


@pytest.mark.parametrize(
    ("prompt", "can"),
    [
        ("planet, red", True),
        ("A Landscape with hills", True),
        ("a potted plant", True),
        ("1girl, cat ears", False),
    ],
)
def test_prompts_that_it_can_draw(prompt: str, can: bool) -> None:
    assert toy_sd.can_draw(prompt) is can
