"""The dictionary's table is built from a table of translations, without its mistakes."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest

from lab.translations import __main__ as command
from lab.translations.build_table import (
    TABLE,
    TAGS,
    Mistakes,
    build_lines,
    folding_pairs,
    plain_tag,
    read_mistakes,
    words_of,
)
from tipo_core.prompt.vocabulary.translations import (
    TRANSLATIONS_FOLDER,
    Language,
    Line,
    WordKind,
    read_table,
)

COLUMNS = ("tag", "group", "group_zh", "zh_CN", "zh_TW", "ja", "ko", "ru")
ROWS = [
    ("straw_hat", "Hat", "帽子", "草帽", "草帽", "麦わら帽子", "밀짚모자", "соломенная шляпа"),
    ("top_hat", "Hat", "帽子", "礼帽(正式)", "禮帽", "草帽", "탑햇", ""),
    ("diadem", "Headwear", "头饰", "同上", "同上", "同上", "위와 동일", ""),
    ("blue upper shan", "Upper shan", "上杉", "蓝色上杉", "藍色上杉", "", "", ""),
    ("nude", "Style", "风格", "裸体", "裸體", "", "", ""),
    ("running", "Basic Actions", "动作", "跑|奔跑", "跑|奔跑", "走る", "달리기", "бег"),
    ("扶桑花", "动物", "动物", "马", "馬", "", "", ""),
    ("unheard_of", "Pattern", "花纹", "花", "花", "", "", ""),
]
COUNTS = {"straw hat": 10, "top hat": 50, "diadem": 5, "running": 7, "nude": 3}


def rows() -> list[dict[str, str]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def test_rows_and_words_are_cleaned() -> None:
    by_hand = [Line(WordKind.OTHER, ("running",), {Language.CHINESE: ("跑",)})]
    lines = build_lines(rows(), COUNTS, by_hand, Mistakes(frozenset(("diadem",)), frozenset()))
    found = {line.tags[0]: line for line in lines}
    assert set(found) == {"straw hat", "top hat", "running"}
    assert found["straw hat"].kind is WordKind.THING
    assert found["straw hat"].words[Language.CHINESE] == ("草帽",)
    assert found["top hat"].words[Language.CHINESE] == ("礼帽",)
    assert found["top hat"].words[Language.JAPANESE] == ("草帽",)
    assert found["running"].kind is WordKind.OTHER
    assert found["running"].words[Language.CHINESE] == ("奔跑",)


@pytest.mark.parametrize(
    ("cell", "language", "words"),
    [
        ("倚靠|身体倾斜", Language.CHINESE, ("倚靠", "身体倾斜")),
        ("符号形瞳孔(没有效果", Language.CHINESE, ("符号形瞳孔",)),
        ("女王（SM）", Language.JAPANESE, ("女王",)),
        ("五条悟", Language.KOREAN, ()),
        ("notes in English", Language.CHINESE, ()),
        ("一句很长很长的不是词的话", Language.CHINESE, ()),
        ("눈", Language.KOREAN, ()),
    ],
)
def test_notes_and_other_scripts_are_no_words(
    cell: str, language: Language, words: tuple[str, ...]
) -> None:
    assert words_of(cell, language) == words


def test_tags_have_one_spelling() -> None:
    assert plain_tag("red_lips_") == "red lips"
    assert plain_tag("bathtub,") == "bathtub"
    assert plain_tag("扶桑花") == plain_tag("((art nouveau))") == ""


def test_mistakes_are_tags_or_words_of_one_tag() -> None:
    mistakes = read_mistakes("# why\ndiadem # a note\nfang: 虎牙 | 牙\n")
    assert mistakes.tags == {"diadem"}
    assert mistakes.words == {("fang", "虎牙"), ("fang", "牙")}


def test_pairs_of_characters_come_from_words_in_both_scripts() -> None:
    table = [
        {"zh_CN": "头发", "zh_TW": "頭髮"},
        {"zh_CN": "饭店", "zh_TW": "餐廳"},
        {"zh_CN": "早餐"},
    ]
    assert folding_pairs(table, "廳厅 貓猫") == {"頭": "头", "髮": "发", "廳": "厅", "貓": "猫"}
    assert "頭" not in folding_pairs(table, "頭頭")


def test_the_command_writes_the_same_bytes_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([COLUMNS, *ROWS])
    (tmp_path / TABLE).write_bytes(gzip.compress(text.getvalue().encode("utf-8")))
    tags = [json.dumps({"tag": tag.replace(" ", "_"), "count": n}) for tag, n in COUNTS.items()]
    (tmp_path / TAGS).write_bytes(gzip.compress("\n".join(tags).encode("utf-8")))
    outputs = []
    for name in ("one", "two"):
        out = tmp_path / name
        assert command.main(["--data", str(tmp_path), "--out", str(out)]) == 0
        outputs.append([(out / file).read_bytes() for file in ("table.txt.gz", "folding.txt")])
    assert outputs[0] == outputs[1]
    assert "pairs of characters" in capsys.readouterr().out
    lines = list(read_table(gzip.decompress(outputs[0][0]).decode("utf-8")))
    assert any(line.tags == ("top hat",) for line in lines)
    assert command.main(["--data", str(tmp_path / "none")]) == 1


def test_the_shipped_table_has_none_of_the_mistakes() -> None:
    text = (Path(command.__file__).parent / "mistakes.txt").read_text("utf-8")
    mistakes = read_mistakes(text)
    packed = (TRANSLATIONS_FOLDER / "table.txt.gz").read_bytes()
    for line in read_table(gzip.decompress(packed).decode("utf-8")):
        assert not mistakes.tags.intersection(line.tags)
        for words in line.words.values():
            assert not mistakes.words.intersection((line.tags[0], word) for word in words)
