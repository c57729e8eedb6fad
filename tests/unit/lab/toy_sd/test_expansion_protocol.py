"""The expansion protocol on toy-sd: short prompts, both arms, the reader's findings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from lab.toy_sd.drawings.drawings import Prompt, Scene
from lab.toy_sd.drawings.styles import STYLES
from lab.toy_sd.model import clip_model as text_model
from lab.toy_sd.report import expansion_protocol as protocol
from lab.toy_sd.report import reader

PLANET = ["planet"]


def test_short_prompts_are_a_style_and_at_most_one_part() -> None:
    shorts = [protocol.short_prompt(n, ["planet", "landscape"]) for n in range(40)]
    assert {one.prompt.text for one in shorts[::2]} == {"planet", "landscape"}
    for one in shorts[1::2]:
        (part,) = one.prompt.named
        style, words = one.prompt.text.split(", ")
        tag = STYLES[one.scene.style].part(part).tag
        assert (style, words) == (one.scene.style, tag.format(one.scene.attributes[part]))
    assert len({one.prompt.named for one in shorts[1::2]}) > 4
    assert len({one.seed for one in shorts}) == 40


def test_text_is_cut_at_a_word_that_has_room() -> None:
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    assert text_model.fit("a b", tokenizer) == "a b"
    assert text_model.fit("a " * 74 + "b", tokenizer) == "a " * 74 + "b"
    assert text_model.fit("a " * 75 + "b, a", tokenizer) == ("a " * 75).strip()


def test_words_in_use_are_1_for_all_alike_and_one_choice_for_always_the_same() -> None:
    part = STYLES["planet"].part("ring")
    attributes = {one.name: next(iter(one.choices)) for one in STYLES["planet"].parts}
    seen = [reader.Reading("planet", {**attributes, "ring": word}) for word in part.choices]
    scenes = [Scene("planet", one.attributes, 0) for one in seen]
    shorts = [protocol.Short(of, Prompt("planet", ("ring", "moons")), 0) for of in scenes]
    report = protocol.attributes_report(shorts, seen)
    assert report["words_in_use_by_part"]["planet/ring"] == 1
    assert report["words_in_use_by_part"]["planet/colour"] == 1 / 8
    assert report["named_right"] == report["style_right"] == 1
    other = [seen[1], seen[1], reader.Reading("landscape", {})]
    assert protocol.attributes_report(shorts[:2], other[:2])["named_right"] == 3 / 4


class Drawing:
    """Draws grey as bright as the prompt is long, and counts."""

    drawn = 0

    def draw(self, point: Any, rows: Sequence[Any]) -> torch.Tensor:
        Drawing.drawn += len(rows)
        lengths = torch.tensor([len(row.prompt.text) / 255 for row in rows])
        return lengths[:, None, None, None].expand(-1, 3, 64, 64)


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader.save(reader.Reader(reader.heads_of(PLANET), 1), tmp_path / "reader")
    module = SimpleNamespace(to=lambda device: None)
    monkeypatch.setattr(protocol, "open_trained", lambda _: (module, module))
    monkeypatch.setattr(protocol, "TextEncodings", lambda *_, **__: None)
    monkeypatch.setattr(protocol, "Artist", lambda *_, **__: Drawing())
    monkeypatch.setattr(protocol, "clip_tokenizer", lambda _: None)
    monkeypatch.setattr(protocol, "fit", lambda text, _: text)
    asked: list[str] = []

    def expand(model: Any, request: Any) -> list[Any]:
        asked.append(request.tags)
        return [SimpleNamespace(prompt=f"{request.tags}, more")]

    monkeypatch.setattr(protocol, "expand", expand)
    (tmp_path / "w").write_bytes(b"one")
    options = protocol.ProtocolOptions(
        tmp_path / "w", tmp_path / "reader", tmp_path / "out", tmp_path,
        model="m", count=3, side=64, batch=2,
    )  # fmt: skip
    report = protocol.run(options, None)  # type: ignore[arg-type]
    assert json.loads((tmp_path / "out" / "attributes.json").read_text()) == report
    assert Drawing.drawn == 6 and len(asked) == 3
    folders = {path.parent.name: path for path in (tmp_path / "out").glob("*/000001.png")}
    assert set(folders) == {"drawings", "plain", "expanded"}
    (tmp_path / "out" / "plain" / "000002.png").unlink()
    assert protocol.run(options, None) == report  # type: ignore[arg-type]
    assert Drawing.drawn == 7 and len(asked) == 3
    (tmp_path / "w").write_bytes(b"two")
    with pytest.raises(ValueError, match=r"has weights .* give another folder"):
        protocol.run(options, None)  # type: ignore[arg-type]
    (tmp_path / "w").write_bytes(b"one")
    with pytest.raises(ValueError, match=r"has cfg '5.0', not '6.0'"):
        protocol.run(replace(options, cfg=6.0), None)  # type: ignore[arg-type]
