from __future__ import annotations

import pytest

from tipo_core.pictures.files.image_file import search_quality


def test_highest_quality_that_fits_is_found_in_seven_encodes() -> None:
    tried: list[int] = []

    def encode(quality: int) -> bytes:
        tried.append(quality)
        return b"x" * (10 + 3 * quality)

    for best in range(101):
        tried.clear()
        found = search_quality(encode, 12 + 3 * best)
        assert (found.quality, found.fits) == (max(best, 1), best > 0)
        assert found.content == b"x" * (10 + 3 * found.quality)
        assert found.encodes == len(tried) == len(set(tried)) <= 7, best


@pytest.mark.parametrize("most_bytes", [100, 1000])
def test_best_quality_below_the_target_is_taken(most_bytes: int) -> None:
    found = search_quality(lambda quality: b"x" * quality, most_bytes)
    assert (found.quality, found.fits) == (100, True)


def test_smallest_file_is_taken_where_sizes_do_not_grow() -> None:
    found = search_quality(lambda quality: b"x" * (10 if quality == 12 else 20 + quality), 5)
    assert (found.quality, len(found.content), found.fits) == (12, 10, False)
