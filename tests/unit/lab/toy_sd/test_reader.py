"""The attribute reader: its questions, its training, its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lab.toy_sd.drawings.styles import STYLES
from lab.toy_sd.model.autoencoder import Autoencoder
from lab.toy_sd.report import reader, train_reader
from lab.toy_sd.report.reader import NOT_THERE, Head, Reader, Reading
from lab.toy_sd.report.train_reader import Drawn, Training

HEADS = (
    Head("", "style", ("night", "day")),
    Head("day", "sun", ("red", "green", "blue")),
    Head("night", "moon", ("full", "half")),
)
TINY = Training(drawings=2, round_trips=1, unseen=2, steps=1, batch=2, width=4)


class Answering(Reader):
    """A reader with fixed answers."""

    def __init__(self, *numbers: int) -> None:
        super().__init__(HEADS, 1)
        self.numbers = numbers

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        return [
            torch.nn.functional.one_hot(torch.tensor([n]), len(head.words)).float()
            for n, head in zip(self.numbers, self.heads, strict=True)
        ]


def test_questions_are_the_style_and_the_parts_of_each() -> None:
    heads = reader.heads_of(["planet", "landscape"])
    assert heads[0].words == ("planet", "landscape") and heads[0].name == "style"
    assert [head.name for head in heads[1:3]] == ["planet/colour", "planet/surface"]
    assert len(heads) == 1 + len(STYLES["planet"].parts) + len(STYLES["landscape"].parts)


def test_only_parts_of_the_style_that_is_seen_are_read() -> None:
    none = torch.zeros(1, 3, 64, 64)
    assert Answering(1, 2, 0).read(none) == [Reading("day", {"sun": "blue"})]
    assert Answering(0, 2, 1).read(none) == [Reading("night", {"moon": "half"})]


def test_targets_leave_out_parts_of_other_styles() -> None:
    words = reader.targets(HEADS, [("day", {"sun": "green"}), ("night", {"moon": "half"})])
    assert words.tolist() == [[1, 1, NOT_THERE], [0, NOT_THERE, 1]]


def test_it_learns_colours_and_counts_what_is_right() -> None:
    colours = torch.eye(3)[::2].repeat(6, 1) * 200  # red, blue
    pictures = colours[:, :, None, None].expand(-1, -1, 64, 64).byte()
    words = torch.tensor([[1, 2 * (n % 2), NOT_THERE] for n in range(12)])
    torch.manual_seed(0)
    taught = Reader(HEADS, 8)
    training = Training(steps=40, batch=8, rate=5e-3)
    train_reader.train(taught, Drawn(pictures, words), training)
    right = train_reader.accuracies(taught, Drawn(pictures, words))
    assert right == {"style": 1.0, "day/sun": 1.0}
    wrong = train_reader.accuracies(taught, Drawn(pictures, 2 - words))
    assert wrong["day/sun"] == 0.0
    assert train_reader.with_mean({"style": 0.5, "a/b": 1.0, "a/c": 0.5})["mean"] == 0.75


def test_disturbed_pictures_stay_near_and_are_in_range() -> None:
    pictures = torch.rand(3, 3, 1, 1).expand(-1, -1, 16, 16)
    seen, again = (
        train_reader.disturbed(pictures, torch.Generator().manual_seed(4)) for _ in range(2)
    )
    assert torch.equal(seen, again) and not torch.equal(seen, pictures)
    assert seen.min() >= 0 and seen.max() <= 1 and seen.shape == pictures.shape
    assert (seen.mean((2, 3)) - pictures.mean((2, 3))).abs().max() < 0.1


def test_drawings_are_of_pairs_trained_on_and_held_out_by_turns() -> None:
    from lab.toy_sd.drawings.drawings import held_out

    heads = reader.heads_of(["planet"])
    seen = train_reader.drawn(heads, 7, 4, 16)
    assert seen.pictures.shape == (4, 3, 16, 16) and seen.pictures.dtype == torch.uint8
    for n, row in enumerate(seen.words.tolist()):
        pairs = zip(heads[1:], row[1:], strict=True)
        attributes = {head.part: head.words[number] for head, number in pairs}
        assert held_out(STYLES["planet"], attributes) == bool(n % 2)


def test_a_reader_is_made_and_opens_again(tmp_path: Path) -> None:
    torch.manual_seed(0)
    report = train_reader.make_reader(tmp_path, ["planet"], 16, Autoencoder(4), TINY)
    assert json.loads((tmp_path / train_reader.REPORT).read_text("utf-8")) == report
    assert set(report["round_trips"]["by_part"]) == {
        "style", "planet/colour", "planet/surface", "planet/ring", "planet/moons",
    }  # fmt: skip
    opened = reader.load(tmp_path)
    assert opened.heads == reader.heads_of(["planet"])
    pictures = torch.rand(2, 3, 80, 48)  # any size: scaled to its own
    assert len(opened.read(pictures)) == 2


def test_weights_of_all_styles_are_at_most_2_mb(tmp_path: Path) -> None:
    made = Reader(reader.heads_of(list(STYLES)))
    reader.save(made, tmp_path)
    assert (tmp_path / reader.WEIGHTS).stat().st_size <= 2_000_000
    opened, x = reader.load(tmp_path), torch.rand(1, 3, 64, 64)
    for one, two in zip(made.eval()(x), opened(x), strict=True):
        assert torch.allclose(one, two, atol=2e-2)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"lab\.toy_sd reader makes one"):
        reader.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="give the folder of a run of toy-sd"):
        train_reader.recipe_of(tmp_path)
