"""DreamBooth Dataset and Class Images with toy-sd: folders, faults, resumed and reused pictures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from devkit.setup.host import Host
from devkit.setup.layout import this_checkout
from devkit.setup.toy_sd import NAME
from tests.host.inside import run_inside

Found = dict[str, Any]


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The results of hosted_pictures.py."""
    base: Path = tmp_path_factory.mktemp("pictures")
    (base / "input").mkdir()
    checkpoint = this_checkout().base / "models" / "checkpoints" / NAME
    found: Found = run_inside(host, "train/hosted_pictures.py", base, checkpoint)
    return found


def test_the_example_comes_with_the_pack(results: Found) -> None:
    count, sheet, report, of_class = results["datasets"]["example"]
    assert count == 5 and of_class == "critter"
    assert sheet[0] == 1 and sheet[-1] == 3
    assert report == [
        "5 pictures",
        "sizes: 64 x 64 (5), crop center",
        "prompt: sks critter",
        "class prompt: critter",
        "token 'sks' in CLIP-L: 1 token",
    ]


def test_a_token_of_several_tokens_is_named(results: Found) -> None:
    line = results["datasets"]["rare"]
    assert "warning: token 'zwx' in CLIP-L: 2 tokens, each of which means something" in line
    assert "sks, ohwx" in line


def test_the_menu_has_the_folders_of_the_input_folder(results: Found) -> None:
    assert results["datasets"]["menu"] == ["first", "dog/best"]


def test_a_changed_file_makes_the_node_run_again(results: Found) -> None:
    assert results["datasets"]["states"] == [True, 3]


def test_folder_captions_and_graph_in_buckets(results: Found) -> None:
    found = results["datasets"]["both"]
    assert [one[0] for one in found] == [*(f"{n}.png" for n in range(4)), "image 1", "image 2"]
    assert {tuple(one[1]) for one in found} == {(384, 640, 3)}
    assert [one[2] for one in found][:2] == ["sks dog", "sks critter"]
    assert results["datasets"]["graph"] == 2


def test_what_is_impossible_is_an_error_with_the_remedy(results: Found) -> None:
    problems = results["datasets"]["problems"]
    for shown, raised in (problems["out"], problems["unknown"]):
        assert shown in raised
    assert "choose one from the menu" in problems["out"][0]
    assert "no folder 'cat'" in problems["unknown"][0]
    assert "choose a folder with PNG or JPEG files, or connect images" in problems["nothing"]
    assert "type a rare word" in problems["token"]
    assert "multiple of 8" in problems["size"]
    assert problems["good"] == [True, True, True]


def test_class_pictures_are_those_of_ksampler(results: Found) -> None:
    found = results["classes"]
    assert found["calls"] == [2, 2, 1]
    # A batch of another size adds in another order.
    assert found["ksampler"] < 1e-4 * found["size"]
    numbers = [f"0000{n}.{ending}" for n in range(1, 6) for ending in ("png", "safetensors")]
    assert found["files"] == [*numbers, "recipe.json"]
    assert found["report"][:2] == [
        "5 class pictures, 64 x 64: critter",
        "5 drawn, 0 from an earlier run",
    ]


def test_class_pictures_are_used_again(results: Found) -> None:
    found = results["classes"]
    assert found["again"] == [[], True, "0 drawn, 5 from an earlier run"]
    assert found["more"] == [[1], True]
    assert found["fewer"] == [[], 2]
    assert found["digest"] == [True, False]


def test_a_deleted_picture_is_replaced_by_another(results: Found) -> None:
    calls, kept, line = results["classes"]["rejected"]
    assert calls == [1]
    assert kept == [f"0000{n}.png" for n in (1, 3, 4, 5, 6, 7)]
    assert line == "1 deleted by you, others took their places"


def test_other_prompts_and_models_have_other_folders(results: Found) -> None:
    assert results["classes"]["other prompt"] == [[2], 2]
    assert results["classes"]["other model"] == [[1], 3]


def test_a_cancelled_run_goes_on_with_the_missing_ones(results: Found) -> None:
    found = results["cancelled"]
    assert found["stopped"] == "InterruptProcessingException"
    assert found["left"] == ["00001.png", "00001.safetensors", "00002.png", "00002.safetensors",
                             "recipe.json"]  # fmt: skip
    assert found["calls"] == [2, 1]
    assert found["same"] == 0


def test_a_batch_without_memory_is_halved(results: Found) -> None:
    calls, count, report = results["faults"]["memory"]
    assert calls == [3, 2, 1, 1, 1] and count == 3
    assert "warning: memory ran out: went on with 1 at a time" in report
    assert "lower width and height" in results["faults"]["no memory"]


def test_disk_and_damaged_files(results: Found) -> None:
    found = results["faults"]
    assert "the disk is full" in found["full disk"]
    assert found["files"] == ["recipe.json"]
    assert found["damaged"] == [[1], 2]
    assert "sampler_name 'nonsense' is unknown" in found["sampler"]
    assert "multiple of 8" in found["size"]


def test_own_class_pictures_and_a_training_with_both(results: Found) -> None:
    found = results["own"]
    assert found["calls"] == [] and found["pictures"] == ["critter"] * 3
    assert found["report"][0] == "3 pictures"
    for losses in found["losses"]:
        assert len(losses) == 3 and all(math.isfinite(one) for one in losses)
