"""The sampler on rectified flows, video and nested latents, compared with core's KSampler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.inside import run_inside


@pytest.fixture(scope="module")
def results(host: Host, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of sampled_latents.py."""
    base = tmp_path_factory.mktemp("latents")
    return run_inside(host, "image/hosted_sampler.py", base)


@pytest.mark.parametrize(
    ("kind", "shapes", "sigmas"),
    [
        ("flux", [[2, 16, 8, 8]], "1.0000 .. 0.2000 .. 0.0000"),
        ("wan", [[1, 16, 3, 8, 8]], "1.0000 .. 0.6667 .. 0.0000"),
        ("nested", [[1, 4, 8, 8], [1, 8, 20]], "1.0000 .. 0.2000 .. 0.0000"),
    ],
)
def test_flow_video_and_nested_latents(
    results: Any, kind: str, shapes: list[list[int]], sigmas: str
) -> None:
    found = results[kind]
    assert found["shapes"] == shapes
    assert (found["core"], found["own guider"], found["denoise"]) == (0, 0, 0)
    assert found["interval beside full"] > 0.01
    assert kind == "nested" or found["interval"] < 1e-4
    assert found["calls"].startswith("model calls 5: 2 with the negative, 3 without")
    assert found["sigmas"] == f"sigmas {sigmas}"


def test_rescale_gives_a_flow_the_spread_of_the_positive(results: Any) -> None:
    spreads = results["spreads"]
    assert spreads["rescaled"] == pytest.approx(spreads["positive"], rel=1e-5)
    assert abs(spreads["guided"] - spreads["positive"]) > 0.01
