"""Prompt schedules, compared step by step with a second reading of the same forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.pictures.text.prompt_clauses import clauses
from tipo_core.pictures.text.prompt_schedule import WHOLE, Clause
from tipo_core.pictures.text.schedule_times import OF_TIMESTEPS
from tipo_core.prompt import parse

STEPS = 10
LETTERS = st.text("abc ", min_size=1, max_size=4)


def at_step(found: tuple[Clause, ...], step: int) -> list[tuple[str, float]]:
    """The texts that hold in the middle of a step."""
    time = (step + 0.5) / STEPS
    return [
        (clause.texts[0], clause.weight)
        for clause in found
        if any(start <= time < end for start, end in clause.ranges)
    ]


# A prompt as a tree, written as text and read at a step without any parser.
@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Any:
    kind = draw(st.sampled_from(["text", "text", "row", "when", "to", "until", "turns", "weight"]))
    if kind == "text" or depth == 0:
        return ("text", draw(LETTERS))
    children = [draw(trees(depth=depth - 1)) for _ in range(draw(st.integers(2, 3)))]
    return (kind, children, draw(st.integers(0, STEPS)), draw(st.booleans()))


def written(tree: Any) -> str:
    kind, inside, *rest = tree
    if kind == "text":
        return str(inside)
    parts = [written(child) for child in inside]
    if kind == "row":
        return ", ".join(parts)
    if kind == "turns":
        return f"[{'|'.join(parts)}]"
    if kind == "weight":
        return f"({parts[0]}:1.3)"
    step, is_fraction = rest
    time = f"{step / STEPS:.2f}" if is_fraction else str(step)
    before, after = {"to": ("", parts[0]), "until": (parts[0], "")}.get(kind, parts[:2])
    return f"[{after}:{time}]" if kind == "to" else f"[{before}:{after}:{time}]"


def read_at(tree: Any, step: int) -> str:
    kind, inside, *rest = tree
    if kind == "text":
        return str(inside)
    if kind == "row":
        return ", ".join(read_at(child, step) for child in inside)
    if kind == "turns":
        return read_at(inside[step % len(inside)], step)
    if kind == "weight":
        return f"({read_at(inside[0], step)}:1.3)"
    is_after = step >= rest[0]
    if kind == "to":
        return read_at(inside[0], step) if is_after else ""
    if kind == "until":
        return "" if is_after else read_at(inside[0], step)
    return read_at(inside[is_after], step)


@settings(max_examples=60, deadline=None)
@given(trees())
def test_each_step_has_the_text_of_a_plain_reading(tree: Any) -> None:
    found = clauses([written(tree)], STEPS)
    for step in range(STEPS):
        assert at_step(found, step) == [(read_at(tree, step), 1.0)]
    # Nothing is encoded twice, and the ranges of a text do not touch.
    assert len({clause.texts for clause in found}) == len(found)
    for clause in found:
        borders = [border for pair in clause.ranges for border in pair]
        assert borders == sorted(set(borders))


@settings(max_examples=60, deadline=None)
@given(st.text("ab ,.()[]{}:|\\\n<>_0123456789", max_size=30))
def test_whatever_is_typed_holds_at_every_step(text: str) -> None:
    found = clauses([text], STEPS)
    assert all(len(at_step(found, step)) == 1 for step in range(STEPS))
    if not set(text) & set("[\\"):
        assert found == (Clause((text,)),)


@pytest.mark.parametrize(
    "text",
    [
        "a [b] {c}, [d:e], [a:b:c:d:0.5], (x:1.2)",
        "hatsune miku (append), \\(y\\)",
        "CATS AND DOGS",
        "",
    ],
)
def test_other_brackets_stay_as_they_are(text: str) -> None:
    assert clauses([text], STEPS) == (Clause((text,)),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a [b:c:30%]", {"a b": ((0.0, 0.3),), "a c": ((0.3, 1.0),)}),
        ("[b:0.2,0.6]", {"": ((0.0, 0.2), (0.6, 1.0)), "b": ((0.2, 0.6),)}),
        (
            "[a:b:c:0.2, 4]",
            {"a": ((0.0, 0.2),), "b": ((0.2, 0.4),), "c": ((0.4, 1.0),)},
        ),
        ("[a:b:1.0]", {"a": (WHOLE,)}),
        ("[a:b:25]", {"a": (WHOLE,)}),
        ("[a:b:0]", {"b": (WHOLE,)}),
        ("\\[a|b\\]", {"[a|b]": (WHOLE,)}),
    ],
)
def test_times(text: str, expected: dict[str, tuple[tuple[float, float], ...]]) -> None:
    assert {c.texts[0]: c.ranges for c in clauses([text], STEPS)} == expected


@pytest.mark.parametrize("steps", [2, 3, 6, 7, 20, 30, 50, 150])
def test_borders_of_steps_lie_between_the_steps_of_all_even_schedulers(steps: int) -> None:
    starts = sorted({start for c in clauses(["[a|b]"], steps) for start, _ in c.percents})
    assert len(starts) == steps
    # Where ComfyUI's schedulers begin step i, in shares of 999 timesteps.
    begins = {
        "normal": [i / (steps - 1) for i in range(steps)],
        "simple": [int(i * 1000 / steps) / 999 for i in range(steps)],
        "sgm_uniform": [i / steps for i in range(steps)],
    }
    for name, begin in begins.items():
        for step in range(1, steps):
            assert begin[step - 1] < starts[step] <= begin[step] - 1e-6, (name, step)


@pytest.mark.parametrize("steps", [2, 3, 7, 10, 20, 150])
def test_step_that_begins_at_a_typed_fraction_has_the_later_text(steps: int) -> None:
    """ComfyUI applies both texts to a step that begins exactly at the border between them."""
    for step in range(1, steps):
        typed = f"{step / steps:.12f}"
        before, after = clauses([f"[a:b:{typed}]"], steps, OF_TIMESTEPS)
        ((begin, border),), ((same_border, end),) = before.percents, after.percents
        assert (begin, end) == WHOLE and border == same_border
        # Between the beginnings of the steps, and less than one of 1000 timesteps early.
        assert (step - 1) / steps < border < step / steps
        assert step / steps - 0.001 < border <= step / steps - 1e-5


def test_fraction_at_the_very_start_has_no_negative_border() -> None:
    before, after = clauses(["[a:b:0.00001]"], STEPS, OF_TIMESTEPS)
    assert before.percents == ((0.0, 0.0),)
    assert after.percents == (WHOLE,)


def test_percent_that_meets_a_step_is_a_border_of_steps() -> None:
    """The alternation changes at step 5 of 10, where the schedule changes too."""
    found = clauses(["[a|b] [c:d:50%]"], STEPS)
    borders = {border for clause in found for pair in clause.percents for border in pair}
    assert len(borders) == STEPS + 1
    assert max(border for border in borders if border < 0.5) == pytest.approx((4 / 9 + 0.5) / 2)


def test_clause_that_does_not_change_is_one() -> None:
    found = clauses(["a [b:c:0.5] AND d :0.7"], STEPS)
    assert [(c.texts[0], c.weight, c.ranges) for c in found] == [
        ("a b", 1.0, ((0.0, 0.5),)),
        ("d", 0.7, (WHOLE,)),
        ("a c", 1.0, ((0.5, 1.0),)),
    ]
    twice = clauses(["a AND b AND a :0.5"], STEPS)
    assert [(c.texts[0], c.weight) for c in twice] == [("a", 1.5), ("b", 1.0)]


def test_texts_of_other_encoders_change_with_the_prompt() -> None:
    found = clauses(["a AND b", "c [d:e:0.5]"], STEPS)
    assert [c.texts for c in found] == [("a", "c d"), ("b", "c d"), ("a", "c e"), ("b", "c e")]
    with pytest.raises(ValueError, match="into 3 prompts and another into 2"):
        clauses(["a AND b", "d AND e AND f"], STEPS)


@pytest.mark.parametrize("weight", ["0", "-0.5"])
def test_weight_of_nothing_or_less_is_refused(weight: str) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        clauses([f"a AND b :{weight}"], STEPS)


# A1111's reading of the weight: digits with or without a point, an optional sign, blanks around.
WEIGHTS = (
    *((":1", 1.0), (":1.", 1.0), (": 1.5", 1.5), (" : .5 ", 0.5), (":+0.5", 0.5), (":+2.", 2.0)),
    *((":00.25", 0.25), (":\t3\n", 3.0)),
)
NO_WEIGHTS = (":", ":.", ":1.2.3", ":1e3", ":--1", ":1 2", ": x", ":1,", ":1)", ":inf", "1", ":0x1")


@pytest.mark.parametrize(("typed", "weight"), WEIGHTS)
def test_weight_of_and_as_a1111_reads_it(typed: str, weight: float) -> None:
    for text in (f"a b{typed} AND c", f"c AND a b{typed}"):
        assert dict((c.texts[0], c.weight) for c in clauses([text], STEPS)) == {
            "a b": weight,
            "c": 1.0,
        }
        words = [word for segment in parse(text).segments() for word in segment.words]
        assert sorted(words) == ["a b", "c"]


@pytest.mark.parametrize("typed", NO_WEIGHTS)
def test_other_ends_are_words_of_the_prompt(typed: str) -> None:
    found = clauses([f"c AND a b{typed}"], STEPS)
    assert [(c.texts[0], c.weight) for c in found] == [("c", 1.0), (f"a b{typed}", 1.0)]


@pytest.mark.parametrize("typed", [":-1", ":-.5", ":-0", ":0.", ":.0"])
def test_weight_that_is_not_above_0_is_refused_in_every_form(typed: str) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        clauses([f"a{typed} AND b"], STEPS)


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("a AND AND b", {"a": 1.0, "b": 1.0}),
        ("a AND AND AND AND b", {"a": 1.0, "b": 1.0}),
        ("a AND  AND\nAND b :2.", {"a": 1.0, "b": 2.0}),
        ("AND a", {"a": 1.0}),
        ("a :0.5 AND", {"a": 1.0}),
        ("AND", {"": 1.0}),
        (" AND :3 AND ", {"": 1.0}),
        ("a AND :0.5 AND b", {"a": 1.0, "b": 1.0}),
        ("CATS AND DOGS", {"CATS AND DOGS": 1.0}),
        ("CATS AND AND DOGS", {"CATS AND AND DOGS": 1.0}),
        ("a AND B AND C", {"a": 1.0, "B AND C": 1.0}),
    ],
)
def test_empty_prompts_around_and_are_left_out(text: str, prompts: dict[str, float]) -> None:
    assert {c.texts[0]: c.weight for c in clauses([text], STEPS)} == prompts
    words = [word for segment in parse(text).segments() for word in segment.words]
    assert words == [prompt for prompt in prompts if prompt]


def test_only_the_weight_at_the_end_of_a_prompt_is_one() -> None:
    words = [w for s in parse("a :1.2, b :0.5 AND c :2").segments() for w in s.words]
    assert words == ["a :1.2", "b", "c"]
    assert [c.texts[0] for c in clauses(["a :1.2, b :0.5 AND c :2"], STEPS)] == ["a :1.2, b", "c"]


def test_step_in_one_text_stays_a_step_beside_a_fraction_in_another() -> None:
    as_step, both = clauses(["[a:b:5]", "c"], STEPS), clauses(["[a:b:5]", "[c:d:0.5]"], STEPS)
    assert both[0].percents == clauses(["[a:b:0.5]", "[c:d:5]"], STEPS)[0].percents
    assert both[0].percents == as_step[0].percents


def test_time_that_is_no_longer_than_a_moment_shows_nothing() -> None:
    assert clauses(["a [b:0.5,0.5]"], STEPS) == (Clause(("a ",)),)


def test_as_many_texts_as_allowed_are_made() -> None:
    text = f"[{'|'.join(str(number) for number in range(64))}]"
    assert len(clauses([text], 64)) == 64


def test_too_many_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 64 different texts"):
        clauses(["[a|b|c|d|e|f|g] [h|i|j|k|l|m|n|o|p|q|r]"], 200)
