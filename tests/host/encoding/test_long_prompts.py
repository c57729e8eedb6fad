"""Prompts of hundreds of chunks: core's tokens, core's conditioning, and a cancel that is heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.inside import run_inside

Found = dict[str, Any]


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The results of hosted_long_prompts.py."""
    base: Path = tmp_path_factory.mktemp("base")
    found: Found = run_inside(host, "encoding/hosted_long_prompts.py", base)
    return found


def test_the_pieces_of_a_long_text_give_cores_tokens(results: Found) -> None:
    assert len(results["pieces"]) == 12
    assert [name for name, is_equal in results["pieces"].items() if not is_equal] == []


def test_one_batch_is_core_to_the_bit_and_several_are_close(results: Found) -> None:
    for name, found in results["batches"].items():
        is_one_batch = found["chunks"] <= 32
        assert is_one_batch == name.endswith("2000") and found["shape"]
        assert found["cond"] <= (0 if is_one_batch else 1e-5), name
        assert found["pooled"] <= (0 if is_one_batch else 1e-5), name


@pytest.mark.parametrize("interpretation", ["comfy", "compel"])
def test_a_cancel_is_heard_between_two_pieces(results: Found, interpretation: str) -> None:
    found = results["cancels"][interpretation]
    assert found["chunks"] > 500
    # At each piece of the text and at each chunk.
    assert found["checks"] > found["chunks"] + 100_000 // (1 << 14)
    assert found["error"].startswith("InterruptProcessingException")
    assert found["checks until the error"] == 100


def test_a_cancel_is_heard_during_one_call_of_the_tokenizer(results: Found) -> None:
    found = results["one call"]
    assert found["longest"] == 60_000 and found["heard"] == [True]
    assert found["error"].startswith("InterruptProcessingException")
