"""The sampler gives core's latents in every latent format that the host knows."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.inside import run_inside


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of hosted_latent_formats.py."""
    return run_inside(host, "image/hosted_latent_formats.py", tmp_path_factory.mktemp("formats"))


def test_shape_dtype_bits_and_keys_are_those_of_common_ksampler(results: Any) -> None:
    for setting, formats in results.items():
        unlike = {name: found["unlike"] for name, found in formats.items() if found["unlike"]}
        assert not unlike, setting


def test_every_format_was_sampled(results: Any) -> None:
    """Else two equal errors would count as equal results."""
    formats = results["usual"]
    assert {"SD15", "Flux", "Wan22", "LTXV", "HunyuanVideo", "SC_Prior"} <= formats.keys()
    for name, found in formats.items():
        kinds = {kind for kind, *_ in found["sampled"]}
        assert {"empty", "drawn"} <= kinds, name


def test_newer_cores_resize_an_empty_latent_and_name_their_dtype(results: Any) -> None:
    if "fp16 intermediates" not in results:
        pytest.skip("this ComfyUI has no fp16 intermediates, and no sizes in an empty latent")
    usual = {name: found["sampled"] for name, found in results["usual"].items()}
    sizes = {tuple(one[2][0][-2:]) for one in usual["Flux2"] if one[0] == "empty image"}
    assert sizes == {(6, 4)}, "Flux2 has 16 pixels a side in a latent one, the empty latent 8"
    assert all("downscale_ratio_spacial" not in one[4] for many in usual.values() for one in many)
    halves = results["fp16 intermediates"]["SD15"]["sampled"]
    assert all(one[3] == ["torch.float16"] for one in halves)
