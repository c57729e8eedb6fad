"""The table of measurements."""

from __future__ import annotations

from devkit.bench import Row, table


def test_a_bar_is_kept_or_not() -> None:
    assert Row("a", 40.0, "ms", bar=50.0).met is True
    assert Row("a", 60.0, "ms", bar=50.0).met is False
    assert Row("a", 60.0, "ms").met is None
    assert Row("a", 1.2, "s", peer=1.0, bar=1.1, bar_is_for_ratio=True).met is False
    assert Row("a", 9.0, "s", peer=10.0, bar=1.1, bar_is_for_ratio=True).met is True


def test_table_has_a_line_for_each_row() -> None:
    lines = table([Row("one", 2.0, "s", 4.0, 1.1, True), Row("two", 3.0, "ms", bar=1.0)]).split(
        "\n"
    )
    assert lines[0].split() == ["name", "value", "unit", "peer", "ratio", "bar", "met"]
    assert lines[1].split() == ["one", "2", "s", "4", "0.5", "x1.1", "yes"]
    assert lines[2].split() == ["two", "3", "ms", "1", "NO"]
