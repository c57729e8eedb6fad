"""Numbers with their units."""

from __future__ import annotations

import pytest

from tipo_core.units import bytes_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (262_144, "262.1 kB"),
        (24_640_000, "24.6 MB"),
        (1_000_000_000, "1.00 GB"),
        (2_033_000_000, "2.03 GB"),
    ],
)
def test_bytes_are_in_decimal_units(size: int, text: str) -> None:
    assert bytes_text(size) == text
