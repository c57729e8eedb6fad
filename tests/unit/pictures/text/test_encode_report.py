from __future__ import annotations

from tipo_core.pictures.text.encode_report import (
    Chunk,
    EncodedClause,
    EncoderChunks,
    clause_lines,
    plan_text,
    steps_text,
    weights_line,
)
from tipo_core.pictures.text.prompt_schedule import Clause, StepPlan


def test_encoders_that_read_the_same_share_a_line() -> None:
    chunks = (Chunk(75, "a b", "y z"), Chunk(8, "c d", "e"))
    both = (EncoderChunks("l", chunks), EncoderChunks("g", chunks))
    line, border, note = clause_lines([EncodedClause(Clause(("x",)), both, ("a note",))])
    encoders, counts = line.split(": ")
    assert encoders == "l, g"
    assert "2 chunks" in counts and "75 + 8" in counts
    assert "chunk 2" in border and '"y z | c d"' in border
    assert note == "a note"


def test_weights_are_shown_with_their_texts() -> None:
    line = weights_line([("cat", 1.3), ("a  hat", 1 / 1.1), ("cat", 1.3)])
    assert line == 'weights: "cat" 1.3, "a hat" 0.9091'
    line = weights_line([(f"w{number}", 1.5) for number in range(9)])
    assert line.endswith('"w5" 1.5 and 3 more')


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
    for line in lines[1::2]:
        assert line.startswith("  l: 1 chunk") and line.endswith(" 3")


def test_few_times_are_all_shown() -> None:
    times = tuple((step / 10, (step + 1) / 10) for step in range(0, 8, 2))
    (line,) = clause_lines([EncodedClause(Clause(("b",), 1.0, times), ())])
    assert "0.6 to 0.7" in line and "..." not in line


def test_steps_are_counted_from_one() -> None:
    active = [(0.0, 0.4), (0.9, 1.0)]
    (line,) = clause_lines([EncodedClause(Clause(("b",), 1.0, tuple(active)), ())], 20)
    assert line == 'steps 1 to 8, 19 to 20 of 20 (schedule_steps): "b"'
    assert steps_text([range(4, 5)]) == "step 5"
    assert steps_text([range(0, 1), range(3, 5)]) == "steps 1, 4 to 5"


def test_plan_of_a_run_is_shown_by_text() -> None:
    turns = StepPlan(tuple(((("a" if step % 2 else "b",), 1.0),) for step in range(12)))
    assert plan_text(turns) == (
        '"b" in steps 1, 3, 5, 7, ... (6 ranges); "a" in steps 2, 4, 6, 8, ... (6 ranges)'
    )
    many = StepPlan(tuple((((str(step),), 1.0),) for step in range(9)))
    assert plan_text(many).endswith('"5" in step 6; ... (9 texts)')
