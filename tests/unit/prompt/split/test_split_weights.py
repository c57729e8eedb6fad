"""The file of the split's weights, and the features that its rows stand for."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from tipo_core.prompt.split.prompt_units import cut_into_units
from tipo_core.prompt.split.split_weights import (
    WEIGHTS_FILE,
    SplitWeights,
    pack,
    read,
    shipped_weights,
)
from tipo_core.prompt.split.unit_features import JOINT_ROWS, UNIT_ROWS, features
from tipo_core.prompt.split.viterbi_labels import best_captions, unit_scores
from tipo_core.prompt.split.word_classes import word_class
from tipo_core.prompt.syntax.parse import parse


def test_what_is_packed_is_read(tmp_path: Path) -> None:
    unit, joint = array("b", range(-128, 128)) * (UNIT_ROWS // 256), array("b", [0] * JOINT_ROWS)
    weights = SplitWeights(0.5, 0.25, unit, joint, array("b", [7] * JOINT_ROWS), joint)
    (tmp_path / "weights.bin").write_bytes(pack(weights))
    assert read(tmp_path / "weights.bin") == weights


def test_the_shipped_file_is_small_and_whole() -> None:
    assert WEIGHTS_FILE.stat().st_size < 300_000
    assert pack(shipped_weights()) == WEIGHTS_FILE.read_bytes()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-1], "length"),
        (lambda content: b"X" + content[1:], "format"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "checksum"),
    ],
)
def test_a_damaged_file_is_named(
    damage: Callable[[bytes], bytes], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(damage(WEIGHTS_FILE.read_bytes()))
    with pytest.raises(ValueError, match=rf"weights.bin.*{message}.*install the pack again"):
        read(path)
    with pytest.raises(ValueError, match=r"missing.bin.*cannot be read"):
        read(tmp_path / "missing.bin")


def test_features_are_rows_of_the_tables() -> None:
    text = "(hat, coat:1.2), A cat sits on a mat, 8k!! 她在读书。, дом, :d"
    units = [unit for unit in cut_into_units(parse(text)) if unit.side is None]
    found, joints = features(units)
    assert [len(unit.pieces) for unit in found] == [2, *[1] * (len(units) - 1)]
    assert all(0 <= row < UNIT_ROWS for unit in found for rows in unit.pieces for row in rows)
    assert all(0 <= row < UNIT_ROWS for unit in found for row in unit.place)
    assert len(joints) == len(units) - 1
    assert all(0 <= row < JOINT_ROWS for rows in joints for row in rows)
    assert features([]) == ([], [])


def test_the_labelling_has_the_best_sum() -> None:
    """Compared with the sums of all labellings."""
    text = "hat, A cat sits on a mat, red, and blue, sleeps. soft light, a dog runs, 1girl"
    units = cut_into_units(parse(text))
    found, joints = features(units)
    weights = shipped_weights()
    scores = unit_scores(weights, found)
    pieces, place, _ = found[1]
    rows = sum(sum(weights.unit[row] for row in piece) / len(pieces) for piece in pieces)
    assert scores[1] == pytest.approx(
        weights.unit_step * (rows + sum(weights.unit[row] for row in place))
    )

    def total(sides: int) -> float:
        captions = [bool(sides >> index & 1) for index in range(len(units))]
        value = 0.0
        for index, is_caption in enumerate(captions):
            value += scores[index] if is_caption else 0.0
            if index and (is_caption or captions[index - 1]):
                table = weights.stay if captions[index - 1] else weights.enter
                table = table if is_caption else weights.leave
                value += weights.joint_step * sum(table[row] for row in joints[index - 1])
        return value

    best = max(range(1 << len(units)), key=total)
    expected = [bool(best >> index & 1) for index in range(len(units))]
    assert best_captions(weights, scores, joints) == expected


@pytest.mark.parametrize(
    ("word", "letter"),
    [("The", "D"), ("walks", "V"), ("Paris", "C"), ("35mm", "N"), ("running", "G"), ("ring", "w"),
     ("covered", "E"), ("softly", "L"), ("red", "w"), ("wrong", "w"), ("with", "K"), ("by", "B")],
)  # fmt: skip
def test_word_classes(word: str, letter: str) -> None:
    assert word_class(word, word.lower()) == letter
