"""The files of families: the shipped ones, those of the user, and damaged ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tipo_core.prompt.families.family import MAX_BYTES, read_family
from tipo_core.prompt.families.family_files import SHIPPED, family_files
from tipo_core.prompt.families.family_loading import load_families, load_family

SHIPPED_NAMES = (
    *("anima", "chroma", "flux", "flux-schnell", "flux2", "illustrious", "noobai", "pony"),
    *("qwen-image", "sd15", "sd3", "sdxl", "z-image"),
)
LEAST: dict[str, Any] = {
    "label": "Mine",
    "reads": "prose",
    "template": "<|extended|>",
    "encoders": [{"keys": ["l"], "name": "CLIP-L"}],
    "sources": [{"url": "https://example.org", "says": "prose"}],
}


def test_the_shipped_families_can_all_be_used() -> None:
    files = family_files()
    assert tuple(files) == SHIPPED_NAMES
    families, errors = load_families(files)
    assert not errors and [one.name for one in families] == list(SHIPPED_NAMES)
    assert len({one.label for one in families}) == len(families)


def test_every_statement_has_a_source() -> None:
    readme = (SHIPPED / "README.md").read_text("utf-8")
    page = (SHIPPED.parents[2] / "docs" / "model-families.md").read_text("utf-8")
    for family in load_families(family_files())[0]:
        assert all(one.url.startswith("https://") for one in family.sources)
        says = " ".join(one.says for one in family.sources)
        for word in (*family.words, *family.negative):
            is_quoted = word in says or "negative prompt is" in says
            assert is_quoted, f"{family.name}: no source says {word!r}"
        assert f"`{family.name}`" in page and family.label in page
        for source in family.sources:
            assert source.url in page, f"{family.name}: {source.url} is not in the page"
    for entry in re.findall(r'"(\w+)":', json.dumps(LEAST)):
        assert f"`{entry}`" in readme


def test_own_files_add_to_the_shipped_and_replace_them(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, label in ((first, "first"), (second, "second")):
        folder.mkdir()
        (folder / "mine.json").write_text(json.dumps({**LEAST, "label": label}), "utf-8-sig")
    (second / "pony.JSON").write_text(json.dumps(LEAST))
    (second / "notes.txt").write_text("no family")
    (second / "folder.json").mkdir()
    files = family_files([tmp_path / "absent", first, second])
    assert tuple(files) == (*SHIPPED_NAMES, "mine")
    assert load_family("mine", files).label == "first"
    assert load_family("pony", files).label == "Mine"


DAMAGES = [
    ("{", "Expecting property name"),
    ("[]", "it is no object"),
    ("[" * 100_000, "nested too deeply"),
    ({**LEAST, "colour": 1}, "unknown entry 'colour': known are label"),
    ({key: LEAST[key] for key in LEAST if key != "label"}, "the entry 'label' is missing"),
    ({**LEAST, "label": 3}, "label is 3: write a text"),
    ({**LEAST, "reads": "tags"}, "reads is 'tags': choose 'tags then prose' or 'prose'"),
    ({**LEAST, "template": "<|mood|>"}, "unknown template field '<|mood|>'"),
    ({**LEAST, "template": "a girl"}, "no field such as"),
    ({**LEAST, "words": "a"}, "words is 'a': write a list of texts"),
    ({**LEAST, "words": [""]}, "words is '': write a text"),
    ({**LEAST, "label": "\ud83d"}, "label has a lone surrogate"),
    ({**LEAST, "uses_negative": 1}, "uses_negative is 1: write true or false"),
    ({**LEAST, "encoders": []}, "encoders is .*: write a list with at least one object"),
    ({**LEAST, "encoders": [{"keys": ["l"]}]}, r"encoders\[0\]: the entry 'name' is missing"),
    (
        {**LEAST, "encoders": [{"keys": ["l"], "name": "a", "limit": True}]},
        r"encoders\[0\]: limit is True: write a number above 0",
    ),
    ({**LEAST, "sources": [3]}, r"sources\[0\] is 3: write an object"),
]


@pytest.mark.parametrize(("damaged", "problem"), DAMAGES)
def test_a_damaged_file_is_named_and_leaves_the_others(
    damaged: Any, problem: str, tmp_path: Path
) -> None:
    text = damaged if isinstance(damaged, str) else json.dumps(damaged)
    (tmp_path / "broken.json").write_text(text)
    (tmp_path / "whole.json").write_text(json.dumps(LEAST))
    files = family_files([tmp_path])
    with pytest.raises(ValueError, match=f"^the model family file broken.json .*{problem}"):
        load_family("broken", files)
    families, errors = load_families(files)
    assert [one.name for one in families] == [*SHIPPED_NAMES, "whole"]
    assert len(errors) == 1 and "broken.json" in errors[0]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "long.json").write_text(" " * (MAX_BYTES + 1))
    files = {**family_files([tmp_path]), "gone": tmp_path / "gone.json"}
    for name, problem in (
        ("bytes", "bytes.json cannot be used: it is no UTF-8"),
        ("long", f"long.json has more than {MAX_BYTES:,} bytes"),
        ("gone", "gone.json cannot be read"),
        ("../pony", "'../pony' is unknown: choose anima"),
    ):
        with pytest.raises(ValueError, match=problem):
            load_family(name, files)


def test_a_readable_text_gives_the_defaults() -> None:
    family = read_family("mine", json.dumps(LEAST), "mine.json")
    assert (family.words, family.negative, family.uses_negative) == ((), (), True)
    assert (family.underscores, family.weights, family.encoders[0].text) == (
        *("typed", "read"),
        "prompt",
    )
