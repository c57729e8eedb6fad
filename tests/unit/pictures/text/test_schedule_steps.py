"""Times counted in steps, compared with A1111's and prompt-control's rules written once more."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from tests.unit.pictures.text.prompt_clauses import clauses
from tipo_core.pictures.text.prompt_schedule import MAX_CLAUSES, PromptSchedule
from tipo_core.pictures.text.schedule_times import (
    OF_TIMESTEPS,
    Time,
    read_time,
    steps_of_a1111,
)
from tipo_core.prompt.syntax.scanner import Pieces, scan


def texts_of(
    text: str, steps: int, *, sampler_steps: int | None = None, count: int | None = None
) -> list[str]:
    """The text of each step, of a prompt without AND."""
    ran = sampler_steps or steps
    plan = PromptSchedule((text,), steps).plan(ran, count or ran)
    return [prompts[0][0][0] for prompts in plan.prompts]


def schedule_of(text: str, steps: int) -> list[list[object]]:
    """The texts in A1111's form: the step after which each one ends, and the text."""
    found: list[list[object]] = []
    for number, of_step in enumerate(texts_of(text, steps), 1):
        if found and found[-1][1] == of_step:
            found[-1][0] = number
        else:
            found.append([number, of_step])
    return found


def test_off_grid_fractions_change_after_as_many_steps_as_in_a1111() -> None:
    """A1111: int(float(time) * steps), in floating point."""
    wrong = []
    for hundredths in range(1, 100):
        for typed in (f"0.{hundredths:02}", f".{hundredths:02}", f"{hundredths}%"):
            time = read_time(typed)
            for steps in range(1, 61):
                if steps_of_a1111(steps)(time) != int(float(f"0.{hundredths:02}") * steps):
                    wrong.append((typed, steps))
    assert not wrong
    for steps in (1, 2, 3, 7, 10, 20, 33):
        for hundredths in range(1, 100, 3):
            after = int(float(f"0.{hundredths:02}") * steps)
            expected = ["a"] * after + ["b"] * (steps - after)
            assert texts_of(f"[a:b:0.{hundredths:02}]", steps) == expected
    # The product is 28.999999999999996.
    assert texts_of("[a:b:0.29]", 100).count("a") == 28


@pytest.mark.parametrize("steps", [2, 5, 10, 20, 33, 60])
def test_other_samplers_change_at_the_same_step_with_even_schedulers(steps: int) -> None:
    # Where ComfyUI's schedulers begin step i, in shares of 999 timesteps.
    begins = (
        [i / (steps - 1) for i in range(steps)],
        [int(i * 1000 / steps) / 999 for i in range(steps)],
        [i / steps for i in range(steps)],
    )
    for hundredths in range(1, 100):
        after = int(float(f"0.{hundredths:02}") * steps)
        border = clauses([f"[a:b:0.{hundredths:02}]"], steps)[-1].percents[0][0]
        for begin in begins:
            assert sum(time < border for time in begin) == after, hundredths
        assert abs(border - after / steps) < 0.0012


# The examples in the docstring of A1111's parser, for ten steps.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("test", [[10, "test"]]),
        ("a [b:3]", [[3, "a "], [10, "a b"]]),
        ("a [b: 3]", [[3, "a "], [10, "a b"]]),
        ("a [[[b]]:2]", [[2, "a "], [10, "a [[b]]"]]),
        ("[(a:2):3]", [[3, ""], [10, "(a:2)"]]),
        ("a [b : c : 1] d", [[1, "a b  d"], [10, "a  c  d"]]),
        ("a[b:[c:d:2]:1]e", [[1, "abe"], [2, "ace"], [10, "ade"]]),
        ("a [unbalanced", [[10, "a [unbalanced"]]),
        ("a [b:.5] c", [[5, "a  c"], [10, "a b c"]]),
        ("a [{b|d{:.5] c", [[5, "a  c"], [10, "a {b|d{ c"]]),
        ("((a][:b:c [d:3]", [[3, "((a][:b:c "], [10, "((a][:b:c d"]]),
        ("[a|(b:1.1)]", [[step, ["(b:1.1)", "a"][step % 2]] for step in range(1, 11)]),
        ("[fe|]male", [[step, ["male", "female"][step % 2]] for step in range(1, 11)]),
        ("a [b:1.5] c", [[10, "a  c"]]),
    ],
)
def test_a1111_s_own_examples(text: str, expected: list[list[object]]) -> None:
    assert schedule_of(text, 10) == expected


def test_four_alternatives_of_which_three_are_empty() -> None:
    assert texts_of("[fe|||]male", 10) == ["female", "male", "male", "male"] * 2 + [
        "female",
        "male",
    ]


# Each form of prompt-control with the plain forms that it stands for.
@pytest.mark.parametrize(
    ("form", "plain"),
    [
        ("[a:b:0.2,0.8]", "[[:a:0.2]:b:0.8]"),
        ("[a::0.1,0.5]", "[[:a:0.1]::0.5]"),
        ("[a:0.1,0.5]", "[[:a:0.1]::0.5]"),
        ("[:a::0.1,0.5]", "[[:a:0.1]::0.5]"),
        ("[:a::0.1]", "[a:0.1]"),
        ("[before:during:after:0.1]", "[before:during:0.1]"),
        ("[before:during:after:0.1,0.6]", "[before:[during:after:0.6]:0.1]"),
        ("[before:during:after:0.8,0.2]", "[before:after:0.8]"),
        ("[SEQ:a:0.2:b:0.5:c:0.8]", "[a:[b:[c::0.8]:0.5]:0.2]"),
        ("[SEQ:a:3::6:c:8]", "[a:[:[c::8]:6]:3]"),
        ("[a:b:2,6]", "[[:a:2]:b:6]"),
    ],
)
@pytest.mark.parametrize("steps", [1, 7, 10, 20])
def test_forms_of_prompt_control_are_short_for_plain_ones(
    form: str, plain: str, steps: int
) -> None:
    assert texts_of(f"x {form}", steps) == texts_of(f"x {plain}", steps)


@pytest.mark.parametrize("steps", [1, 3, 10, 20, 33])
@pytest.mark.parametrize("period", ["0.1", "0.2", "0.25", "0.4", "7%", "1.0", "0.0001"])
def test_alternation_with_a_period_is_a_row_of_changes(period: str, steps: int) -> None:
    share = Fraction(period.rstrip("%")) / (100 if "%" in period else 1)
    share = max(share, Fraction(1, 1000))
    borders = [int(float(share * turn) * steps) for turn in range(1, int(1 / share) + 1)]
    expected = ["abc"[sum(b <= step for b in borders) % 3] for step in range(steps)]
    assert texts_of(f"[a|b|c:{period}]", steps) == expected


def test_alternation_with_a_number_takes_turns_of_so_many_steps() -> None:
    assert "".join(texts_of("[a|b:3]", 8)) == "aaabbbaa"
    assert texts_of("[a|b:1]", 6) == texts_of("[a|b]", 6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"[a\:b:c:0.5]", ["a:b", "c"]),
        (r"[embedding\:a:embedding\:b:0.5]", ["embedding:a", "embedding:b"]),
        (r"[embedding:a:embedding:b:0.5]", ["embedding:a", "embedding:b"]),
        (r"[<lora:x:1>|b:0.5]", ["<lora:x:1>", "b"]),
        (r"[(a:1.2)|b:0.5]", ["(a:1.2)", "b"]),
        (r"\[a:b:0.5\]", ["[a:b:0.5]", "[a:b:0.5]"]),
        (r"[a:b\:0.5]", ["[a:b:0.5]", "[a:b:0.5]"]),
        # ComfyUI would read the 9 of (16:9) as a weight: the weight of (a) is 1.1.
        (r"(16\:9)", ["(16:9:1.1)", "(16:9:1.1)"]),
        (r"(16\:9:1.2)", ["(16:9:1.2)", "(16:9:1.2)"]),
    ],
)
def test_escaped_and_enclosed_colons_separate_nothing(text: str, expected: list[str]) -> None:
    assert texts_of(text, 2) == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[a:b:TAG]", '"[a:b:TAG]" is no schedule'),
        ("[a:b:c:d:0.5]", '"[a:b:c:d:0.5]" is no schedule'),
        ("[a:b:0.1,0.2,0.3]", '"[a:b:0.1,0.2,0.3]" is no schedule'),
        ("[a|b:0.2,0.3]", '"[a|b:0.2,0.3]" is no schedule'),
        ("[a|b:0]", '"[a|b:0]" is no schedule'),
        ("[SEQ:a:b:c:0.5]", '"[SEQ:a:b:c:0.5]" is no schedule'),
        ("[x [a:b:TAG]:y:0.5]", '"[a:b:TAG]" is no schedule'),
        ("[a:b|c:0.5]", '"|" in "[a:b|c:0.5]" is read as a word'),
        ("[a|b:c]", '":" in "[a|b:c]" is read as a word'),
        ("[a:b:c:0.5]", '"c" is never used'),
        ("[a:b:25]", "schedule_steps is 20: no step follows step 25"),
    ],
)
def test_each_form_that_is_not_read_as_typed_is_named(text: str, named: str) -> None:
    (note,) = PromptSchedule((text,), 20).notes()
    assert named in note


@pytest.mark.parametrize(
    "text", ["[a:b:0.5], [c|d], [e|f:0.2], [:g::0.5], [h], (i:1.2), \\[j:k\\], [l:m:8]", "n:o, p|q"]
)
def test_forms_that_are_read_are_not_named(text: str) -> None:
    assert PromptSchedule((text,), 20).notes() == ()


def test_sampler_with_other_steps_resolves_the_times_anew() -> None:
    assert texts_of("[a:b:0.5]", 20, sampler_steps=9) == ["a"] * 4 + ["b"] * 5
    assert texts_of("[a:b:8]", 20, sampler_steps=12) == ["a"] * 8 + ["b"] * 4
    assert "".join(texts_of("[a|b]", 20, sampler_steps=5)) == "ababa"
    # Schedulers that make more steps than asked.
    assert texts_of("[a:b:0.5]", 20, sampler_steps=7, count=9) == ["a"] * 3 + ["b"] * 6


def test_text_that_was_not_encoded_is_replaced_and_named() -> None:
    """Of 20 steps, 3 comes before 0.5: "a d" is never needed. Of four steps it is, in step 2."""
    plan = PromptSchedule(("[a:b:3] [c:d:0.5]",), 20).plan(4, 4)
    assert [prompts[0][0][0] for prompts in plan.prompts] == ["a c", "a c", "b d", "b d"]
    assert plan.replaced == (2,)
    assert PromptSchedule(("[a:b:3] [c:d:0.5]",), 4).plan(4, 4).replaced == ()


def test_and_beside_a_schedule_has_both_prompts_in_each_step() -> None:
    plan = PromptSchedule(("[a|b] AND c :0.5",), 4).plan(4, 4)
    assert plan.prompts[1] == ((("b",), 1.0), (("c",), 0.5))


def test_fractions_of_the_timesteps_come_at_the_step_that_the_sampler_gives() -> None:
    schedule = PromptSchedule(("[a:b:0.57] [c|d]",), 10, OF_TIMESTEPS)

    def step_of(time: Time) -> int:
        return math.ceil(time.value * 3) if time.is_fraction else int(time.value)

    plan = schedule.plan(5, 5, step_of)
    assert [p[0][0][0] for p in plan.prompts] == ["a c", "a d", "b c", "b d", "b c"]
    alone = PromptSchedule(("[a:b:0.57]",), 10, OF_TIMESTEPS).clauses()
    assert alone[0].percents[0] == pytest.approx((0.0, 0.5699))


def test_long_prompts_are_read_in_time_that_grows_with_their_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each character is parsed a fixed number of times, however long the prompt is."""
    parsed: list[int] = []

    def counted(text: str, pos: int, end: int, mark: str = "") -> Pieces:
        parsed.append(end - pos)
        return scan(text, pos, end, mark)

    monkeypatch.setattr("tipo_core.prompt.syntax.parse.scan", counted)
    shares = []
    for groups in (50, 400):
        parsed.clear()
        text = "[a|b], x, " * groups
        PromptSchedule((text,), 20).clauses()
        shares.append(sum(parsed) / len(text))
    assert shares[1] < 1.1 * shares[0]


def test_as_many_texts_as_before_are_allowed() -> None:
    assert len(clauses([f"[{'|'.join(map(str, range(MAX_CLAUSES)))}]"], MAX_CLAUSES)) == MAX_CLAUSES


@pytest.mark.parametrize(
    ("text", "steps", "note"),
    [
        ("[a|b:0.05]", 10, "[a|b:0.05] changes every 0.5 of 10 steps"),
        ("[a|b:0.25]", 10, "[a|b:0.25] changes every 2.5 of 10 steps"),
        ("[a|b:0.05]", 20, None),
        ("[a|b:0.2]", 10, None),
        ("[a|b:50%]", 5, "[a|b:0.5] changes every 2.5 of 5 steps"),
        ("[a|b:3]", 10, None),
        ("[a|b]", 10, None),
    ],
)
def test_a_turn_between_two_steps_is_reported(text: str, steps: int, note: str | None) -> None:
    notes = PromptSchedule((text,), steps).notes()
    assert len(notes) == (note is not None)
    assert all(one.startswith(str(note)) for one in notes)
