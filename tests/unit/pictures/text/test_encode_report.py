from __future__ import annotations

import pytest

from tipo_core.pictures.text.clip_skip import TextEncoder
from tipo_core.pictures.text.encode_report import (
    Chunk,
    EncodedClause,
    EncoderChunks,
    clause_lines,
    skip_lines,
)
from tipo_core.pictures.text.prompt_schedule import Clause

CLIP_L = TextEncoder("clip_l", depth=12, is_clip=True, layer=None)
CLIP_G = TextEncoder("clip_g", depth=32, is_clip=True, layer=-2)
T5 = TextEncoder("t5xxl", depth=24, is_clip=False, layer=None)
WHOLE = ((0.0, 1.0),)


@pytest.mark.parametrize("encoders", [[], [T5], [CLIP_L, T5]])
def test_skip_that_does_not_apply_is_said(encoders: list[TextEncoder]) -> None:
    assert "does not apply" in skip_lines(2, encoders)[0]
    assert "does not apply" not in skip_lines(0, encoders)[0]


def test_skip_lines_say_which_encoder_keeps_the_skip_out() -> None:
    first, *layers = skip_lines(2, [CLIP_L, T5])
    assert first.startswith("clip_skip 2 does not apply (the model also reads text with t5xxl)")
    assert layers == ["clip_l: final output, all 12 layers", "t5xxl: final output, all 24 layers"]
    assert skip_lines(-2, [CLIP_G]) == ["clip_skip 2", "clip_g: layer 31 of 32"]


def test_encoders_that_read_the_same_share_a_line() -> None:
    chunks = (Chunk(75, "a b", "y z"), Chunk(8, "c d", "e"))
    both = (EncoderChunks("l", chunks), EncoderChunks("g", chunks))
    assert clause_lines([EncodedClause(Clause(("x",), 1.0, WHOLE), both, ("a note",))]) == [
        "l, g: 2 chunks, tokens of text 75 + 8",
        '  chunk 2 begins: "y z | c d"',
        "a note",
    ]


def test_several_clauses_are_shown_with_text_time_and_weight() -> None:
    read = (EncoderChunks("l", (Chunk(3),)),)
    times = tuple((step / 10, (step + 1) / 10) for step in range(0, 10, 2))
    clauses = [
        Clause(("a  long\n" + "word " * 20,), 1.0, ((0.0, 0.25),)),
        Clause(("b",), 0.5, times),
    ]
    lines = clause_lines([EncodedClause(clause, read) for clause in clauses])
    assert lines[0].startswith('0 to 0.25: "a long word word') and lines[0].endswith(' ..."')
    assert len(lines[0]) <= len('0 to 0.25: ""') + 60
    assert lines[2].startswith(
        "0 to 0.1, 0.2 to 0.3, 0.4 to 0.5, 0.6 to 0.7, ... (5 times), weight"
    )
    assert lines[1::2] == ["  l: 1 chunk, tokens of text 3"] * 2
