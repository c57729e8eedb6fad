"""A VAE in strips is the VAE in one piece: real sizes, odd shapes, memory that runs out."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.inside import run_inside


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What hosted_strips.py saw."""
    return run_inside(host, "vae/hosted_strips.py", tmp_path_factory.mktemp("strips"))


def test_real_size_vae_in_strips_is_the_whole(results: Any) -> None:
    found = results["real size"]
    assert found["decode"] < 1e-4 and found["encode"] < 1e-4 < found["spread"]
    # Tiles cannot do that: these weights are random, and tell a tile from the picture well.
    assert found["tiles"] > 1 / 255
    decode, encode = found["reports"]
    assert decode == [
        "latent 2 x 4 x 12 x 18 -> 2 x 96 x 144 x 3",
        "exact strips of 64 x 64 pixels' size",
    ]
    assert encode[0] == "pixels 2 x 100 x 145 x 3 -> 2 x 4 x 12 x 18"
    assert encode[2] == "exact strips of 64 x 64 pixels' size"


def test_memory_that_runs_out_leads_to_strips(results: Any) -> None:
    found = results["real size"]
    assert found["rescued"] < 1e-4
    assert found["rescued report"][1] == (
        "memory ran out twice, other models left the device: exact strips of 64 x 64 pixels' size"
    )
    assert found["untouched"]


def test_any_number_of_rows_gives_the_same(results: Any) -> None:
    assert len(results["shapes"]) == 30
    assert max(results["shapes"]) < 1e-4


def test_lower_precision_loses_no_more_than_in_one_piece(results: Any) -> None:
    assert results["half"] < 1.1


def test_vae_without_strips_says_so(results: Any) -> None:
    assert results["problem"].startswith("This VAE is of a kind that has no strips")
