"""The accuracy report of toy-sd: its prompts, its files, its figures and checks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from lab.toy_sd.drawings import drawings
from lab.toy_sd.drawings.styles import STYLES
from lab.toy_sd.model.autoencoder import Autoencoder
from lab.toy_sd.model.checkpoint import open_trained, trained
from lab.toy_sd.model.unet import UNet
from lab.toy_sd.report import (
    accuracy_report as report,
)
from lab.toy_sd.report import (
    accuracy_rows as measure,
)
from lab.toy_sd.report import (
    accuracy_summary as summary,
)
from lab.toy_sd.report import (
    reader,
)
from lab.toy_sd.report.accuracy_figures import markdown
from lab.toy_sd.report.accuracy_rows import MAIN, Artist, Asked, Point, Row
from lab.toy_sd.report.reader import Reader, Reading
from lab.toy_sd.training.toy_sd_recipe import Recipe
from lab.toy_sd.training.toy_sd_state import write
from lab.toy_sd.training.train_unet import WEIGHTS

PLANET = ["planet"]
PICTURED = Point(denoise=0.5, from_picture=True)


class Stopped(Exception):
    pass


class Drawing(Artist):
    """Draws grey, counts its batches, and stops at a given one."""

    def __init__(self, stop_at: int = 0) -> None:
        self.side, self.stop_at = 16, stop_at
        self.drawn: list[tuple[str, int]] = []

    def draw(
        self, point: Point, rows: Sequence[Asked], starts: torch.Tensor | None = None
    ) -> torch.Tensor:
        self.drawn += [(point.name, row.seed) for row in rows]
        if len(self.drawn) == self.stop_at:
            raise Stopped
        return torch.full((len(rows), 3, 16, 16), 0.5)


class Seeing(Reader):
    """Sees a planet with no moon, whatever is shown."""

    def __init__(self) -> None:
        super().__init__(reader.heads_of(PLANET), 1)

    def read(self, pictures: torch.Tensor) -> list[Reading]:
        seen = {"colour": "red", "surface": "smooth", "ring": "no ring", "moons": "no moon"}
        return [Reading("planet", seen) for _ in pictures]


def row(point: Point, number: int, wrong: int, distance: float | None = None) -> Row:
    """Return a row in which `wrong` of a planet's four parts are wrong."""
    parts = tuple(part.name for part in STYLES["planet"].parts)[:wrong]
    wording = measure.CAPTION if number % 2 else measure.TAGS
    return Row(point.name, number, wording, "planet", "planet", parts, distance)


def test_rows_ask_for_held_out_pairs_in_two_wordings() -> None:
    one, two, three = (measure.asked(n, ["planet", "landscape"]) for n in (0, 1, 2))
    assert (one.scene, one.seed, one.start) == (two.scene, two.seed, two.start)
    assert one.prompt.text.startswith(f"{one.scene.style}, ") and " with " in two.prompt.text
    assert three.scene != one.scene and one.start.style == one.scene.style
    for of in (one, three):
        style = STYLES[of.scene.style]
        assert drawings.held_out(style, of.scene.attributes)
        assert not drawings.held_out(style, of.start.attributes)
        assert set(of.prompt.named) == {part.name for part in style.parts}


def test_a_part_is_wrong_where_another_word_or_style_is_seen() -> None:
    of = measure.asked(0, PLANET)
    grey = torch.full((1, 3, 16, 16), 0.5)
    (found,) = measure.checked(PICTURED.name, 8, [of], Seeing(), grey, grey - 0.25)
    seen = Seeing().read(grey)[0].attributes
    expected = {name for name, word in of.scene.attributes.items() if seen[name] != word}
    assert set(found.wrong) == expected and found.row == 8
    assert found.distance == pytest.approx(0.25)
    (other,) = measure.checked(MAIN.name, 0, [measure.asked(0, ["landscape"])], Seeing(), grey)
    assert len(other.wrong) == 4 and other.style_read == "planet" and other.distance is None


def test_a_report_that_was_stopped_goes_on(tmp_path: Path) -> None:
    counts = {MAIN: 6, PICTURED: 3}
    whole = measure.measure(counts, PLANET, Drawing(), Seeing(), tmp_path / "whole", 2)
    stopped, second, third = Drawing(stop_at=6), Drawing(), Drawing()
    with pytest.raises(Stopped):
        measure.measure(counts, PLANET, stopped, Seeing(), tmp_path / "two", 2)
    rows = measure.measure(counts, PLANET, second, Seeing(), tmp_path / "two", 2)
    assert len(second.drawn) == 5 and second.drawn[0] == stopped.drawn[-2]
    kept = measure.read_rows(tmp_path / "two" / "pictures.csv")
    assert [replace(r, distance=None) for r in rows] == [replace(r, distance=None) for r in whole]
    assert kept == measure.read_rows(tmp_path / "whole" / "pictures.csv")
    # More pictures at a point than before: only those are drawn.
    rows = measure.measure(counts | {MAIN: 8}, PLANET, third, Seeing(), tmp_path / "two", 2)
    assert len(third.drawn) == 2 and len(rows) == 11
    with Image.open(tmp_path / "two" / "strips" / f"{PICTURED.name}.png") as strip:
        assert strip.size == (16, 16)  # one of the first batch has tags


def test_figures_by_hand() -> None:
    rows = [row(MAIN, n, wrong, 0.1 * n) for n, wrong in enumerate((0, 2, 1, 4))]
    figures = summary.figures_of(rows)
    assert figures["accuracy"] == round((1 + 0.5 + 0.75 + 0) / 4, 4)
    assert figures["tags"] == 0.875 and figures["captions"] == 0.25
    assert figures["distance"] == pytest.approx(0.15)
    assert summary.mean_and_error([0.0, 1.0]) == pytest.approx((0.5, 0.5))
    assert summary.by_part(rows) == {
        "planet/colour": 0.25, "planet/surface": 0.5, "planet/ring": 0.75, "planet/moons": 0.75,
    }  # fmt: skip
    assert summary.chance(rows) == pytest.approx((1 / 8 + 1 / 5 + 1 / 3 + 1 / 3) / 4)


def whole(by_cfg: dict[float, int], distances: dict[float, float]) -> list[Row]:
    """Return rows for all points; CFGs and denoises that are not given have all parts right."""
    rows: dict[tuple[str, int], Row] = {}
    for name, points in summary.curves().items():
        for value, point in points:
            wrong = by_cfg.get(point.cfg, 0) if name == "cfg" else 0
            distance = distances.get(value, value) if name == "denoise" else None
            for n in range(4):
                rows.setdefault((point.name, n), row(point, n, wrong, distance))
    return list(rows.values())


@pytest.mark.parametrize(
    ("by_cfg", "distances", "met"),
    [
        ({1.0: 2, 12.0: 1}, {}, [True, True, True]),
        ({1.0: 2, 12.0: 1, 6.0: 1}, {}, [False, True, True]),
        ({1.0: 2, 12.0: 1}, {0.5: 0.9}, [True, False, True]),
        ({1.0: 2}, {}, [True, True, False]),
        ({12.0: 2}, {}, [True, True, False]),
    ],
)
def test_checks_say_what_is_met(
    by_cfg: dict[float, int], distances: dict[float, float], met: list[bool]
) -> None:
    found = summary.summary(whole(by_cfg, distances), 4)
    assert [check["met"] for check in found["checks"]] == met
    text = markdown(found)
    assert text.count("**not met**") == met.count(False)
    cfg_1 = 1 - by_cfg.get(1.0, 0) / 4
    assert f"| 1 | {100 * cfg_1:.1f} % |" in text


def test_a_difference_within_its_error_does_not_count() -> None:
    rows = {cfg: [row(Point(cfg=cfg), n, 0) for n in range(4)] for cfg in (1.0, 5.0, 12.0)}
    rows[1.0][0] = row(Point(cfg=1.0), 0, 1)
    rows[12.0] = [row(Point(cfg=12.0), n, 2) for n in range(4)]
    check = summary.cfg_check(rows)
    assert not check.met and "CFG 1: 93.8% (less by 6.2% +- 6.2%)" in check.figures


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> report.ReportOptions:
    """A run with random weights and its reader; texts and pictures cost nothing."""
    run, reading = tmp_path / "run", tmp_path / "reader"
    run.mkdir()
    recipe = Recipe(side=16, styles="planet", width=32, vae_width=4)
    (run / "recipe.json").write_text(json.dumps(asdict(recipe)), "utf-8")
    write(trained(UNet(32), Autoencoder(4)), run / WEIGHTS)
    reader.save(Reader(reader.heads_of(PLANET), 1), reading)
    monkeypatch.setattr(report, "Artist", lambda *_, **__: Drawing())
    monkeypatch.setattr(report, "TextEncodings", lambda *_, **__: None)
    monkeypatch.setattr(report, "clip_tokenizer", lambda _: None)
    out = tmp_path / "report"
    return report.ReportOptions(run, reading, out, tmp_path, main=4, curve=2, batch=8)


def test_report_writes_what_it_says(options: report.ReportOptions) -> None:
    found: dict[str, Any] = report.make_report(options)
    out = options.out
    assert json.loads((out / "report.json").read_text("utf-8")) == found
    assert found["main"]["pictures"] == 4 and found["cfg"][0]["pictures"] == 2
    assert len(found["denoise"]) == len(summary.DENOISES) and len(found["checks"]) == 3
    for name in ("cfg", "steps", "denoise", "pictures-cfg", "pictures-denoise"):
        with Image.open(out / f"{name}.png") as picture:
            assert picture.width > 100
    # Rows of other weights are not mixed with these.
    write(trained(UNet(32), Autoencoder(4)), options.run / WEIGHTS)
    with pytest.raises(ValueError, match=r"has weights .* give another folder"):
        report.make_report(options)


def test_wrong_input_is_named(options: report.ReportOptions) -> None:
    with pytest.raises(ValueError, match="--curve 0: give at least 1"):
        replace(options, curve=0)
    recipe = Recipe(side=16, styles="planet, critter", width=32, vae_width=4)
    (options.run / "recipe.json").write_text(json.dumps(asdict(recipe)), "utf-8")
    with pytest.raises(ValueError, match="does not know critter: train one"):
        report.make_report(options)
    write({"some": torch.zeros(1)}, options.run / WEIGHTS)
    with pytest.raises(ValueError, match=r"toy-sd.safetensors does not hold toy-sd's weights"):
        report.make_report(options)
    (options.run / WEIGHTS).unlink()
    with pytest.raises(FileNotFoundError, match="training writes it"):
        report.make_report(options)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums of several threads depend on the batch size."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_artist_keeps_to_the_point_and_the_prompt(tmp_path: Path) -> None:
    torch.manual_seed(0)
    write(trained(UNet(32), Autoencoder(4)), tmp_path / WEIGHTS)
    unet, vae = open_trained(tmp_path / WEIGHTS)

    def texts(prompts: Sequence[str]) -> torch.Tensor:
        return torch.tensor([float(len(p)) for p in prompts])[:, None, None].expand(-1, 1, 768)

    artist = Artist(unet, vae, {1: texts, 2: texts}, 16, bf16=False)
    rows = [measure.asked(n, PLANET) for n in range(3)]
    point = Point(steps=2)
    together = artist.latents(point, rows)
    alone = torch.cat([artist.latents(point, [one]) for one in rows])
    assert torch.allclose(together, alone, rtol=1e-4, atol=1e-4)
    starts = torch.rand(3, 3, 16, 16)
    kept = artist.draw(replace(PICTURED, denoise=0.0), rows, starts)
    assert torch.allclose(kept, vae.decode(vae.encode(starts)).clamp(0, 1))


def test_page_has_the_words_of_both_styles() -> None:
    page = Path(__file__).parents[4].joinpath("docs", "toy-sd.md").read_text("utf-8")
    for name in ("planet", "landscape"):
        for part in STYLES[name].parts:
            assert f"| {part.name} | {', '.join(part.choices)} |" in page
