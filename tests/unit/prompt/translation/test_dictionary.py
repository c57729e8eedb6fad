"""The files of the dictionary: their form, and what is left out of them."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.prompt.vocabulary.translations import (
    TRANSLATIONS_FOLDER,
    Language,
    Line,
    WordKind,
    build_dictionary,
    read_dictionary,
    read_folding,
    read_table,
    read_words,
    russian_stem,
    write_table,
)


def by_hand() -> list[Line]:
    return list(read_words((TRANSLATIONS_FOLDER / "words.txt").read_text("utf-8")))


def table() -> list[Line]:
    packed = (TRANSLATIONS_FOLDER / "table.txt.gz").read_bytes()
    return list(read_table(gzip.decompress(packed).decode("utf-8")))


def test_the_files_are_small() -> None:
    size = sum(path.stat().st_size for path in TRANSLATIONS_FOLDER.iterdir())
    assert size < 300_000


def test_no_tag_of_the_table_is_on_the_block_list() -> None:
    assert not [tag for line in table() for tag in line.tags if blocklist_matches(tag)]


def test_a_word_has_one_kind_of_meaning_by_hand() -> None:
    """A word twice in the hand-made list would hide one of its meanings, except in grammar."""
    words = Counter(
        (language, word)
        for line in by_hand()
        if line.tags and line.kind not in (WordKind.HOLD, WordKind.NUMBER)
        for language in (Language.CHINESE,)
        for word in dict.fromkeys(line.words.get(language, ()))
    )
    assert [word for (_, word), count in words.items() if count > 1] == []


def test_a_line_has_tags_and_words_of_each_language() -> None:
    (line,) = read_words(
        "# c\n[thing]\nred panda, animal = 小熊猫 / レッサー_パンダ / / малая_панда\n"
    )
    assert line.kind is WordKind.THING and line.tags == ("red panda", "animal")
    assert line.words[Language.JAPANESE] == ("レッサー パンダ",)
    assert line.words[Language.KOREAN] == () and line.words[Language.RUSSIAN] == ("малая панда",)
    assert list(read_table(write_table([line._replace(tags=("red panda",))]))) == [
        line._replace(tags=("red panda",))
    ]
    with pytest.raises(ValueError, match=r"line 2 of the dictionary is 'cat'"):
        list(read_words("[thing]\ncat"))


def test_words_of_two_languages_have_the_meaning_of_their_text() -> None:
    lines = read_words("[thing]\nletter = 信 / 手紙 /\ntoilet paper = 手紙 / /\n")
    words = build_dictionary(lines, {})
    assert words.chinese_first["手紙"].tags == ("toilet paper",)
    assert words.japanese_first["手紙"].tags == ("letter",)


def test_russian_words_are_compared_by_their_stems() -> None:
    for forms in ("красный красная красное красного красным", "зонт зонта зонтом зонты"):
        assert len({russian_stem(form) for form in forms.split()}) == 1


def test_traditional_characters_are_folded() -> None:
    folding = read_folding((TRANSLATIONS_FOLDER / "folding.txt").read_text("utf-8"))
    text = "貓蝴蝶櫻花雨傘頭髮龍鳳凰圖書館戰鬥機"
    assert text.translate(folding) == "猫蝴蝶樱花雨伞头发龙凤凰图书馆战斗机"
    assert not set(folding.values()) & {chr(one) for one in folding}


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dictionary .* cannot be read"):
        read_dictionary(tmp_path)
    for path in TRANSLATIONS_FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "table.txt.gz").write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="copy the folder of the pack again"):
        read_dictionary(tmp_path)
