"""The fp32 rescue builds a VAE anew: nothing of the host is copied, nothing is shared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.inside import run_inside

Found = dict[str, Any]


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The results of hosted_vae_fp32.py."""
    base: Path = tmp_path_factory.mktemp("vae_fp32")
    found: Found = run_inside(host, "vae/hosted_vae_fp32.py", base)
    return found


@pytest.mark.parametrize("kind", ["kl", "flux"])
def test_weights_are_the_same_in_fp32_and_in_memory_of_their_own(results: Found, kind: str) -> None:
    found = results[kind]
    assert found["kind"] == {"kl": "AutoencoderKL", "flux": "AutoencodingEngine"}[kind]
    # DynamicVRAM keeps weights as they are stored and casts them when a layer runs.
    assert found["dtypes"] == [f"torch.float{16 if found['dynamic'] else 32}"]
    assert found["weights"] and found["own patcher"] and found["untouched"]
    assert found["shared"] == [] and found["handles"] == []


def test_a_kind_that_the_weights_do_not_tell_is_an_error_and_no_wrong_picture(
    results: Found,
) -> None:
    video = results["video"]
    remedy = "again in fp32 from its weights: set precision to fp32 in Load VAE"
    assert remedy in results["unlike"] and remedy in results["metadata"]
    assert results["sound"] == ""
    assert video["as stored"] == ""
    if video["dynamic"]:  # the weights stay as they are stored, so that they tell the kind
        assert video["cast"] == ""
    else:
        assert remedy in video["cast"]
        assert "values in bf16" in video["cast"] and "(TAEHV)" in video["cast"]


def test_a_patch_counts_once(results: Found) -> None:
    found = results["patched"]
    assert found["lists"] == [1, 1]
    assert max(found["differences"]) < 1e-3
