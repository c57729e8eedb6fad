"""Numbers with their units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.units import bytes_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (262_144, "262.1 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (999_949_999, "999.9 MB"),
        (999_950_000, "1.00 GB"),
        (24_640_000, "24.6 MB"),
        (1_000_000_000, "1.00 GB"),
        (2_033_000_000, "2.03 GB"),
    ],
)
def test_bytes_are_in_decimal_units(size: int, text: str) -> None:
    assert bytes_text(size) == text


@given(st.integers(0, 999 * 10**9))
def test_a_smaller_unit_has_less_than_1000(size: int) -> None:
    number, unit = bytes_text(size).split()
    assert float(number) < 1000
    factor = {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    assert abs(float(number) * factor - size) <= 0.0501 * factor
