"""toy-sd and its pictures are the same in ComfyUI, for the same weights."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.inside import run_inside

_CLOSE = 5e-4  # our encodings of prompts are kept in fp16


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of hosted_toy_sd.py."""
    base = tmp_path_factory.mktemp("toy-sd")
    return run_inside(host, "image/hosted_toy_sd.py", base, base)


def test_the_checkpoint_is_known_as_sd15(results: Any) -> None:
    assert results["type"] == "SD15"


def test_unet_gives_what_cores_gives(results: Any) -> None:
    assert 0 <= results["unet"] < 1e-4


def test_autoencoder_gives_what_cores_gives(results: Any) -> None:
    assert 0 <= results["encoder"] < 1e-4 and 0 <= results["decoder"] < 1e-4


def test_prompts_have_cores_tokens_and_encodings_at_both_clip_skips(results: Any) -> None:
    assert len(results["text"]) == 6
    for same_tokens, difference in results["text"]:
        assert same_tokens and 0 <= difference < 1e-3


def test_noise_is_that_of_cores_schedule(results: Any) -> None:
    assert 0 <= results["schedule"] < 1e-4


def test_pictures_are_those_of_cores_nodes(results: Any) -> None:
    # Loader, text encoding, KSampler (euler, normal) and VAE, each core's own.
    assert len(results["drawn"]) == 6
    for name, (latents, picture) in results["drawn"].items():
        assert 0 <= latents < _CLOSE and 0 <= picture < 20 * _CLOSE, name


def test_other_settings_would_be_seen_to_differ(results: Any) -> None:
    for name, difference in results["others"].items():
        assert difference > 20 * _CLOSE, name
