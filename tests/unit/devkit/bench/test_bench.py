"""Rows and bars of the benchmarks, the table and the JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from devkit.bench.benchmark import (
    Aim,
    Bar,
    Benchmark,
    Figure,
    Row,
    Setting,
    Unmeasured,
    at_least,
    at_least_times,
    at_most,
    at_most_times,
)
from devkit.commands.bench import BENCHMARKS, json_lines, run_bench, table
from devkit.messages import StepError
from devkit.setup.host import Host
from devkit.setup.layout import Layout

KEYS = ["name", "value", "unit", "peer", "ratio", "bar", "met"]


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(Layout(tmp_path), Host(tmp_path, tmp_path, "0", is_users_own=False))


def row(bar: Bar | None, value: float, peer: float | None = None) -> Row:
    return Row(Aim("a", "s", bar), Figure(value, peer))


@pytest.mark.parametrize(
    ("bar", "value", "peer", "met"),
    [
        (at_most(50.0), 50.0, None, True),
        (at_most(50.0), 60.0, None, False),
        (at_least(99.0), 99.5, None, True),
        (at_least(99.0), 98.0, None, False),
        (at_most_times(1.1), 9.0, 10.0, True),
        (at_most_times(1.1), 12.0, 10.0, False),
        (at_least_times(1.5), 15.0, 10.0, True),
        (at_least_times(1.5), 14.0, 10.0, False),
        (None, 60.0, 10.0, None),
        (at_least_times(1.5), 15.0, None, None),
    ],
)
def test_a_bar_is_kept_or_not(
    bar: Bar | None, value: float, peer: float | None, met: bool | None
) -> None:
    assert row(bar, value, peer).met is met


def test_a_bar_says_its_direction_and_what_it_multiplies() -> None:
    assert str(at_least(1500.0)) == ">= 1500"
    assert str(at_most(0.005)) == "<= 0.005"
    assert str(at_least_times(1.5)) == ">= 1.5 x peer"
    assert str(at_most_times(2.5)) == "<= 2.5 x peer"


def test_ratio_is_value_over_peer() -> None:
    assert row(None, 3.0, 2.0).ratio == 1.5
    assert row(None, 3.0).ratio is None
    assert Row(Aim("a", "s"), reason="no accelerator").ratio is None


def test_the_table_has_a_line_for_each_row_and_reasons_at_the_end() -> None:
    rows = [
        Row(Aim("one", "s", at_most_times(1.1)), Figure(2.0, 4.0)),
        Row(Aim("two", "ms", at_most(1.0)), Figure(3.0)),
        Row(Aim("three", "tokens/s", at_least(1500.0)), reason="no accelerator"),
    ]
    lines = table(rows).split("\n")
    assert lines[0].split() == KEYS
    assert lines[1].split() == ["one", "2", "s", "4", "0.5", "<=", "1.1", "x", "peer", "yes"]
    assert lines[2].split() == ["two", "3", "ms", "<=", "1", "NO"]
    assert lines[3].split() == ["three", "tokens/s", ">=", "1500", "no", "accelerator"]


def test_json_is_an_object_a_line() -> None:
    measured = Row(Aim("one", "tokens/s", at_least_times(1.5)), Figure(4.0, 2.0))
    unmeasured = Row(Aim("two", "s", at_most(1.0)), reason="no accelerator")
    first, second = map(json.loads, json_lines([measured, unmeasured]).splitlines())
    assert list(first) == list(second) == KEYS
    assert first["ratio"] == 2.0
    assert first["bar"] == ">= 1.5 x peer"
    assert first["met"] is True
    assert second["value"] is second["peer"] is second["ratio"] is second["met"] is None


def fruits(asked: list[Sequence[str]]) -> Benchmark:
    def measure(
        setting: Setting, names: Sequence[str]
    ) -> Iterator[tuple[str, Figure | Unmeasured]]:
        asked.append(names)
        yield "apple red", Figure(1.0)
        yield "apple green", Unmeasured("none is ripe")

    aims = [Aim("apple red", "g"), Aim("apple green", "g"), Aim("apple blue", "g")]
    return Benchmark("weigh", aims, measure)


def refusing(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    raise Unmeasured("there are no scales")


def test_every_row_comes_out_measured_or_not(setting: Setting) -> None:
    red, green, blue = fruits([]).rows(setting, [])
    assert red.figure == Figure(1.0)
    assert (green.figure, green.reason) == (None, "none is ripe")
    assert (blue.figure, blue.reason) == (None, "not measured")
    (pear,) = Benchmark("weigh", [Aim("pear", "g", at_most(1.0))], refusing).rows(setting, [])
    assert (pear.figure, pear.met, pear.reason) == (None, None, "there are no scales")


def test_only_rows_with_the_prefix_are_measured(setting: Setting) -> None:
    asked: list[Sequence[str]] = []
    assert [one.aim.name for one in fruits(asked).rows(setting, ["apple g", "x"])] == [
        "apple green"
    ]
    assert fruits(asked).rows(setting, ["pear"]) == []
    assert asked == [["apple green"]]


def test_a_run_prints_writes_and_judges(
    setting: Setting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heavy = Benchmark("weigh", [Aim("melon", "g", at_most(1.0))], lambda *_: [("melon", Figure(2))])
    file = tmp_path / "rows.jsonl"
    assert run_bench(setting, [], str(file), [fruits([]), heavy]) == 1
    assert len(file.read_text("utf-8").splitlines()) == 4
    assert "none is ripe" in capsys.readouterr().out
    assert run_bench(setting, ["apple"], None, [fruits([]), heavy]) == 0
    with pytest.raises(StepError, match="melon"):
        run_bench(setting, ["lemon"], None, [heavy])


def test_no_two_rows_share_a_name() -> None:
    names = [aim.name for benchmark in BENCHMARKS for aim in benchmark.aims]
    assert len(set(names)) == len(names)
