"""A VAE in strips is the VAE in one piece: real sizes, odd shapes, memory that runs out."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.inside import run_inside
from tests.host.report_lines import line_with


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of hosted_strips.py."""
    return run_inside(host, "vae/hosted_strips.py", tmp_path_factory.mktemp("strips"))


def test_real_size_vae_in_strips_is_the_whole(results: Any) -> None:
    found = results["real size"]
    assert found["decode"] < 1e-4 and found["encode"] < 1e-4 < found["spread"]
    # Tiles differ from the whole: with random weights a tile is far from the picture.
    assert found["tiles"] > 1 / 255
    decode, encode = found["reports"]
    assert line_with(decode, "2 x 4 x 12 x 18", "2 x 96 x 144 x 3")
    assert line_with(encode, "2 x 100 x 145 x 3", "2 x 4 x 12 x 18")
    for report in (decode, encode):
        assert line_with(report, "strips", "64 x 64")


def test_memory_that_runs_out_leads_to_strips(results: Any) -> None:
    found = results["real size"]
    assert found["rescued"] < 1e-4
    assert line_with(found["rescued report"], "memory ran out twice", "strips", "64 x 64")
    assert found["untouched"]


def test_any_number_of_rows_gives_the_same(results: Any) -> None:
    assert len(results["shapes"]) == 30
    assert max(results["shapes"]) < 1e-4


def test_lower_precision_loses_no_more_than_in_one_piece(results: Any) -> None:
    assert results["half"] < 1.1


def test_vae_without_strips_says_so(results: Any) -> None:
    assert "strips" in results["problem"] and "set tiling to auto or always" in results["problem"]
