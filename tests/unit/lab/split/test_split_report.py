"""The measure of the split, on a made-up corpus and made-up results."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.split import __main__ as command
from lab.split import split_report as measure
from lab.split.mixed_prompts import PATTERNS, MixedPrompt, Piece, mixed_prompts, read_sources
from tipo_core.prompt import Part, Side, SplitPrompt

TAGS = "long_hair blue_eyes hat smile red_dress holding_umbrella tree star_(sky)".split()
NAMES = ("mira_vanto,1", "nerine_holt,4", "lakes_of_vanto_(series),3")
# Lines that the training leaves out.
CAPTIONS = (
    "A lady sitting on a bench in the park.",
    "Two dogs running along the beach",
    "The lady is holding a red umbrella.",
)
PROMPTS = (
    "a castle that stands on a cliff above the sea",
    *["a castle, sharp focus, oil painting"] * 5,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def write(name: str, lines: Sequence[str]) -> None:
        (tmp_path / name).write_bytes(gzip.compress("\n".join(lines).encode()))

    write("tags_general_sfw.csv.gz", ["tag,post_count", *(f"{tag},400" for tag in TAGS)])
    write("tags_named.csv.gz", ["tag,category,post_count,aliases", *(f"{n},100," for n in NAMES)])
    write("captions_coco.txt.gz", CAPTIONS)
    write("prompts_diffusion.txt.gz", PROMPTS)
    return tmp_path


def test_pieces_are_where_they_say(folder: Path) -> None:
    prompts = list(mixed_prompts(read_sources(folder), 50, seed=1))
    assert [prompt.pattern for prompt in prompts[:5]] == [name for name, _ in PATTERNS]
    for prompt in prompts:
        end = 0
        for piece in prompt.pieces:
            assert prompt.text[piece.start : piece.end] == piece.text
            assert not prompt.text[end : piece.start].strip(" ,\n")
            end = piece.end
        assert prompt.text[end:] == ""
        sides = {piece.side for piece in prompt.pieces}
        assert {Side.TAGS, Side.CAPTION} <= sides
    assert {piece.side for prompt in prompts for piece in prompt.pieces} == set(measure.SIDES)


def test_the_seed_decides(folder: Path) -> None:
    sources = read_sources(folder)
    assert list(mixed_prompts(sources, 9, 1)) == list(mixed_prompts(sources, 9, 1))
    assert list(mixed_prompts(sources, 9, 1)) != list(mixed_prompts(sources, 9, 2))


def test_sources(folder: Path) -> None:
    sources = read_sources(folder)
    assert sources.people.texts == ["nerine_holt"]
    assert sources.styles.texts == ["sharp focus", "oil painting"]
    assert sources.phrases == PROMPTS[:1]
    assert sources.general.draw(random.Random(1)) in TAGS


def test_confusion_counts_what_came_out(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "hat, A cat sits. coat"
    prompt = MixedPrompt(
        text,
        (Piece("hat", 0, Side.TAGS), Piece("A cat sits.", 5, Side.CAPTION),
         Piece("coat", 17, Side.TAGS)),
        "made up",
    )  # fmt: skip
    parts = (
        Part("hat", Side.TAGS, 0),
        Part(", ", Side.SEPARATOR, 3),
        Part("A cat", Side.CAPTION, 5),
        Part(" ", Side.SEPARATOR, 10),
        Part("sits.", Side.TAGS, 11),
        Part(" ", Side.SEPARATOR, 16),
        Part("coat", Side.TAGS, 17),
    )
    split = SplitPrompt("hat, sits. coat", "A cat", "", "", parts)
    monkeypatch.setattr(measure, "split_prompt", lambda _: split)
    report = measure.evaluate_split([prompt])
    assert report.right == pytest.approx(2 / 3)
    assert report.preserved == 1.0
    assert report.confusion["caption"]["tags"] == 1
    assert report.confusion["tags"] == {"tags": 2, "caption": 0, "networks": 0, "rest": 0}
    assert report.mistakes == [("A cat sits.", "tags", text)]
    assert "| caption | 1 | 0 | 0 | 0 | 0.00% |" in report.to_markdown()

    lossy = SplitPrompt("hat, sits.", "A cat", "", "", parts[:-1])
    monkeypatch.setattr(measure, "split_prompt", lambda _: lossy)
    assert measure.evaluate_split([prompt]).preserved == 0.0


def test_nothing_to_measure() -> None:
    report = measure.evaluate_split([])
    assert (report.prompts, report.segments, report.right) == (0, 0, 0.0)
    assert "0 prompts" in report.to_markdown()


def test_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["report", "--data", str(folder), "--prompts", "10"]
    assert command.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["prompts"] == 10
    assert command.main([*arguments, "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("| true side | tags | caption |")
