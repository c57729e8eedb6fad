"""Lists and ranges of values, compared with decimal arithmetic; and the cells of a sweep."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.pictures.sampling.axis import axis_of
from tipo_core.pictures.sampling.sweep import sweep_of
from tipo_core.pictures.sampling.value_lists import MAX_CELLS, NUMBERS, parse_values

NAMES = {"sampler_name": ["euler", "dpmpp_2m"], "scheduler": ["normal", "karras"]}
BASE: dict[str, Any] = {
    "seed": 1,
    "steps": 20,
    "cfg": 7.0,
    "sampler_name": "euler",
    "scheduler": "normal",
    "denoise": 1.0,
    "clip_skip": 0,
}


def values(parameter: str, text: str) -> list[Any]:
    if parameter in NUMBERS:
        return parse_values(parameter, text, "column_values")
    axis, _ = axis_of(parameter, text, "column_values", NAMES)
    return [setting[parameter] for setting in axis.settings]


@st.composite
def entries(draw: st.DrawFn) -> tuple[str, list[Decimal]]:
    """One entry of a list of cfg, and its values as decimals count them."""
    unit = Decimal(1).scaleb(-draw(st.integers(0, 4)))
    start, end = (draw(st.integers(0, 100)) * unit for _ in range(2))
    kind = draw(st.sampled_from(["one", "ones", "range"]))
    if kind == "one":
        return f"{start:f}", [start]
    step = unit * draw(st.integers(3, 30))
    if kind == "ones":
        start, end, step = start // 1, end // 1, Decimal(1)
    if end < start:
        step = -step
    counted, number = [], start
    while number <= end if step > 0 else number >= end:
        counted.append(number)
        number += step
    space = draw(st.sampled_from(["", " "]))
    text = f"{start:f}{space}:{end:f}"
    return text + ("" if kind == "ones" else f"{space}:{space}{step:f}"), counted


@settings(max_examples=25)
@given(st.lists(entries(), min_size=1, max_size=4), st.sampled_from([",", ", ", ";", "\n"]))
def test_lists_and_ranges_equal_decimal_counting(
    drawn: list[tuple[str, list[Decimal]]], separator: str
) -> None:
    expected = [float(str(number)) for _, counted in drawn for number in counted]
    assert values("cfg", separator.join(text for text, _ in drawn)) == expected


@settings(max_examples=60)
@given(st.text("0123456789.:,-+e \n", max_size=30), st.sampled_from(list(NUMBERS)))
def test_any_text_is_values_within_the_limits_or_an_error(text: str, parameter: str) -> None:
    limits = NUMBERS[parameter]
    try:
        found = values(parameter, text)
    except ValueError as error:
        assert "column_values" in str(error)
        return
    assert 1 <= len(found) <= MAX_CELLS
    assert all(limits.low <= value <= limits.high for value in found)
    assert all(isinstance(value, int if limits.is_whole else float) for value in found)


def test_typical_lists() -> None:
    assert values("cfg", "4:12:2") == [4.0, 6.0, 8.0, 10.0, 12.0]
    assert values("cfg", "12:4:-2") == [12.0, 10.0, 8.0, 6.0, 4.0]
    assert values("cfg", "4:9:2") == [4.0, 6.0, 8.0]
    assert values("denoise", "0.2:0.8:0.2") == [0.2, 0.4, 0.6, 0.8]
    assert values("cfg", "1, 4:8:2,") == [1.0, 4.0, 6.0, 8.0]
    assert values("clip_skip", "3:1, -2") == [3, 2, 1, -2]
    # Full-width punctuation.
    assert values("cfg", "4\uff1a6\uff1a2\uff0c7\u30018") == [4.0, 6.0, 7.0, 8.0]
    last = 2**64 - 1
    assert values("seed", f"{last - 2}:{last}") == [last - 2, last - 1, last]
    assert values("sampler_name", "dpmpp_2m, euler") == ["dpmpp_2m", "euler"]


@pytest.mark.parametrize(
    ("parameter", "text", "named"),
    [
        ("cfg", " , ", "column_values is empty: list values of cfg, such as 4:12:2"),
        ("scheduler", "", "list values of scheduler, such as normal, karras"),
        ("cfg", "4, 1:5:0", "entry 2, '1:5:0': the step is 0"),
        ("cfg", "4:12:-2", "away from the end: write 4:12:2 or 12:4:-2"),
        ("cfg", "12:4:0.5", "the step counts up, away from the end: write 12:4:-0.5 or 4:12:0.5"),
        ("cfg", "99:101", "cfg must be from 0 to 100; this entry has 101"),
        ("denoise", "-0.1", "denoise must be from 0 to 1; this entry has -0.1"),
        ("seed", "18446744073709551616", "seed must be from 0 to 18446744073709551615"),
        ("steps", "10, 12.5", "entry 2, '12.5': steps takes whole numbers"),
        ("steps", "10:12:0.5", "steps takes whole numbers"),
        ("denoise", "0.2:0.8", "shorter than a step of 1: give a step"),
        ("cfg", "4:6:1:2", "a range is start:end:step"),
        ("cfg", "4::2", "'' is not a number"),
        ("cfg", "1e9", "'1e9' is not a number"),
        ("cfg", "x5", "'x5' is not a number"),
        ("cfg", "9" * 100_000, r"'9{37}\.\.\.' is not a number"),
        ("cfg", "0:1:0." + "0" * 30 + "1", "column_values has 10000000000000000000000000000001"),
        ("seed", "0:18446744073709551615", "has 18446744073709551616 values, but a sweep draws"),
        ("cfg", ",".join(["4"] * 401), "column_values has 401 values"),
        ("scheduler", "karras\n" * 401, "column_values has 401 values"),
        ("sampler_name", "euler, Dpmpp_2", "entry 2: there is no sampler_name 'Dpmpp_2': did you"),
        ("sampler_name", "zzz", "choose from euler, dpmpp_2m"),
    ],
)
def test_bad_entries_are_named(parameter: str, text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        values(parameter, text)


def test_cells_go_row_by_row_and_a_parameter_that_stays_is_one_value() -> None:
    sweep, report = sweep_of(BASE, "cfg", "4:8:2", "seed", "7, 9", NAMES)
    assert sweep.shape == (2, 3)
    expected = [{"seed": seed, "cfg": cfg} for seed, cfg in product((7, 9), (4.0, 6.0, 8.0))]
    assert sweep.cells == expected
    assert sweep.values_of("seed") == [7, 7, 7, 9, 9, 9]
    assert sweep.values_of("cfg") == [4.0, 6.0, 8.0] * 2
    assert sweep.values_of("steps") == [20] and sweep.values_of("sampler_name") == ["euler"]
    assert sweep.columns and sweep.columns.labels == ("cfg 4", "cfg 6", "cfg 8")
    size, columns, rows, same = report.splitlines()
    assert "6 pictures" in size and "3 columns x 2 rows" in size
    assert columns.startswith("columns: ") and "cfg 4, 6, 8" in columns
    assert rows.startswith("rows: ") and "seed 7, 9" in rows
    for name in ("steps 20", "sampler_name euler", "scheduler normal", "denoise 1", "clip_skip 0"):
        assert name in same
    assert "cfg" not in same and "seed" not in same


def test_one_axis_or_none() -> None:
    rows, _ = sweep_of(BASE, "none", "ignored", "denoise", "0.5:1:0.25", NAMES)
    assert rows.shape == (3, 1) and rows.values_of("denoise") == [0.5, 0.75, 1.0]
    single, report = sweep_of(BASE, "none", "", "none", "", NAMES)
    assert single.shape == (1, 1) and single.cells == [{}]
    assert all(single.values_of(name) == [BASE[name]] for name in BASE)
    assert report.startswith("1 picture: 1 column x 1 row\n")


def test_repeated_value_is_drawn_once_and_reported() -> None:
    sweep, report = sweep_of(BASE, "cfg", "6, 4:8:2, 6.0", "none", "", NAMES)
    assert sweep.values_of("cfg") == [6.0, 4.0, 8.0]
    assert report.endswith("cfg 6 is listed more than once: drawn once")


@pytest.mark.parametrize(
    ("axes", "changes", "named"),
    [
        (("cfg", "1:3", "cfg", "4:6"), {}, "columns and rows both change cfg"),
        (("none", "", "eta", "1"), {}, "rows: 'eta' cannot be swept: choose none, cfg"),
        (
            ("cfg", "1:40", "seed", "1:11"),
            {},
            "40 columns x 11 rows are 440 pictures, .* most 400",
        ),
        (("none", "", "none", ""), {"sampler_name": "eular"}, "did you mean 'euler'"),
        (("cfg", "1:2", "denoise", ""), {}, "row_values is empty"),
    ],
)
def test_axes_that_make_no_sweep_are_named(
    axes: tuple[str, str, str, str], changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        sweep_of(BASE | changes, *axes, NAMES)


def test_the_base_of_a_swept_parameter_is_not_used() -> None:
    """A workflow of another machine may name a sampler that is not here."""
    base = BASE | {"sampler_name": "of_another_pack"}
    sweep, report = sweep_of(base, "sampler_name", "euler", "none", "", NAMES)
    assert sweep.values_of("sampler_name") == ["euler"] and "of_another_pack" not in report


def test_all_entries_with_a_mistake_are_named_at_once() -> None:
    with pytest.raises(ValueError, match="entry 2, 'x'") as caught:
        values("cfg", "1, x, 2, 900")
    assert len(str(caught.value).splitlines()) == 2
    with pytest.raises(ValueError, match=r"(?s)'eular'.*'hoin'"):
        values("sampler_name", "eular, euler, hoin")


def test_limits_themselves_are_allowed() -> None:
    assert values("denoise", "0, 1") == [0.0, 1.0]
    assert values("cfg", "1:2") == [1.0, 2.0]
    assert len(values("seed", f"1:{MAX_CELLS}")) == MAX_CELLS
    sweep, _ = sweep_of(BASE, "cfg", "1:20", "seed", "1:20", NAMES)
    assert len(sweep.cells) == MAX_CELLS


def test_value_listed_twice_is_reported_and_others_are_not() -> None:
    _, report = sweep_of(BASE, "cfg", "4, 6, 6", "none", "", NAMES)
    assert "cfg 6 is listed more than once" in report
    assert "cfg 4 is listed" not in report
