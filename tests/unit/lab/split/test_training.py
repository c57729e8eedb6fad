"""The prompts that the split is trained on, and the training, on a made-up corpus."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.split import __main__ as command
from lab.split.labelled_prompts import DIFFUSION_LABELS
from lab.split.mixed_prompts import is_held_out
from lab.split.split_training import as_sequence, train
from lab.split.training_blocks import CAPTION, TAG, TrainingPrompt
from lab.split.training_prompts import training_prompts
from lab.split.wide_sentences import (
    chinese_clauses,
    chinese_tag,
    japanese_clauses,
    japanese_tag,
    traditional,
)
from tipo_core.prompt.split.prompt_units import cut_into_units
from tipo_core.prompt.split.split_weights import read
from tipo_core.prompt.split.unit_features import features
from tipo_core.prompt.split.viterbi_labels import best_captions, unit_scores
from tipo_core.prompt.syntax.parse import parse

TAGS = "long hair,blue eyes,hat,smile,red dress,holding umbrella,tree,star (sky),1girl".split(",")
CAPTIONS = [
    f"{subject} {action}."
    for subject in ("A woman", "Two dogs", "The man", "A small bird", "An old painter")
    for action in ("is sitting on a bench", "are running along the beach", "looks at the sea")
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def write(name: str, lines: Sequence[str]) -> None:
        (tmp_path / name).write_bytes(gzip.compress("\n".join(lines).encode()))

    def objects(name: str, rows: Sequence[dict[str, object]]) -> None:
        write(f"{name}.jsonl.gz", [json.dumps(row) for row in rows])

    objects("danbooru_tags", [{"tag": tag, "count": 400} for tag in TAGS])
    write(
        "tags_named.csv.gz",
        ["tag,category,count,aliases"]
        + [f"mira_vanto{letter},{kind},100," for letter in "abcdefg" for kind in "14"],
    )
    flavors = ["sharp focus", "oil painting", "soft light", "trending on artstation"]
    things = ["lamp", "old clock", "fern"]
    objects("vocabularies", [{"list": "flavors", "tags": flavors}, {"list": "x", "tags": things}])
    languages = "zh_CN,zh_TW,ja,ko,ru".split(",")
    write(
        "tag_translations_sfw.csv.gz",
        ["tag,group,group_zh," + ",".join(languages)]
        + [f"hat{n},Object,x," + ",".join(f"帽{n}" for _ in languages) for n in range(12)],
    )
    for name, key in (("iiw_long_captions", "caption"), ("short_to_long", "long"),
                      ("unigen_prompts", "caption"), ("gecko_s_prompts", "prompt"),
                      ("conceptual_captions_val", "caption")):  # fmt: skip
        longer = [line.replace(".", " today.") for line in CAPTIONS]
        objects(name, [{key: f"{one} {two}"} for one in longer for two in longer[:4]])
    write("captions_coco.txt.gz", CAPTIONS)
    labelled = [int(row.split()[0]) for row in DIFFUSION_LABELS.read_text().split("\n") if row]
    lines = [f"a castle on a hill number {n}, sharp focus, oil painting" for n in range(9000)]
    for number in labelled:
        lines[number] = "a line that is for measures only, sharp focus"
    write("prompts_diffusion.txt.gz", lines)
    return tmp_path


def test_parts_are_where_they_say(folder: Path) -> None:
    prompts = list(training_prompts(folder, 200, seed=1))
    assert prompts == list(training_prompts(folder, 200, seed=1))
    assert prompts[:20] != list(training_prompts(folder, 20, seed=2))
    sides = {side for prompt in prompts for _, _, side in prompt.parts}
    assert {TAG, CAPTION} <= sides
    for prompt in prompts:
        end = 0
        for start, part_end, _ in prompt.parts:
            assert end <= start < part_end <= len(prompt.text)
            end = part_end
        assert "for measures only" not in prompt.text
        assert not any(is_held_out(line) and line in prompt.text for line in CAPTIONS)


def test_units_get_the_sides_of_their_parts() -> None:
    sequence = as_sequence(
        TrainingPrompt("hat, A cat. <lora:x:1>", ((0, 3, TAG), (5, 11, CAPTION)))
    )
    assert sequence is not None
    assert sequence.sides == (0, 1)
    assert as_sequence(TrainingPrompt("<lora:x:1>", ())) is None


def test_training_learns_and_repeats() -> None:
    prompts = []
    for caption in CAPTIONS:
        tags = "hat, smile, tree, long hair"
        text = f"{tags}, {caption}"
        parts = ((0, len(tags), TAG), (len(tags) + 2, len(text), CAPTION))
        prompts += [TrainingPrompt(text, parts), TrainingPrompt(tags, parts[:1])]
    weights = train(prompts, epochs=12, seed=1)
    assert weights == train(prompts, epochs=12, seed=1)
    found, joints = features(cut_into_units(parse("tree, hat, long hair")))
    assert best_captions(weights, unit_scores(weights, found), joints) == [False] * 3
    found, joints = features(cut_into_units(parse("hat, The man looks at the sea.")))
    assert best_captions(weights, unit_scores(weights, found), joints) == [False, True]


def test_command(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "weights.bin"
    arguments = ["train", "--data", str(folder), "--prompts", "40", "--epochs", "1"]
    assert command.main([*arguments, "--out", str(out)]) == 0
    assert any(read(out).unit)


def test_chinese_and_japanese_are_written_in_their_scripts() -> None:
    rng = random.Random(1)
    for _ in range(200):
        assert all(
            any("\u4e00" <= c <= "\u9fff" for c in clause) for clause in chinese_clauses(rng)
        )
        assert any("\u3040" <= c <= "\u30ff" for c in "".join(japanese_clauses(rng)))
        assert chinese_tag(rng)
        assert japanese_tag(rng)
    assert traditional("一张图") == "一張圖"


def test_a_missing_corpus_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["train", "--data", str(tmp_path)]) == 1
    assert "danbooru_tags" in capsys.readouterr().err
