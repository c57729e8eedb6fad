"""VAE Decode and VAE Encode inside ComfyUI: memory, precision, masks, equality with core."""

from __future__ import annotations

from typing import Any

import pytest
from safetensors.torch import save_file

from devkit.setup.host import Host
from tests.host.inside import run_inside
from tests.host.report_lines import line_with
from tests.host.vae.linear_vae import linear_vae

Found = dict[str, Any]
BROKEN = "its weights are broken"


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The results of hosted_vae.py."""
    base = tmp_path_factory.mktemp("base")
    file = base / "linear-vae.safetensors"
    save_file(linear_vae(), file)
    found: Found = run_inside(host, "vae/hosted_vae.py", base, file)
    return found


def test_defaults_are_cores_nodes_to_the_last_bit(results: Found) -> None:
    found = results["defaults"]
    assert found["decode"] and found["encode"] and found["half"] and found["nested"]
    assert found["untouched"]
    assert found["encode keys"] == ["samples"]


def test_report_says_shapes_crop_alpha_way_and_precision(results: Found) -> None:
    found = results["defaults"]
    decode, encode = found["decode report"], found["encode report"]
    assert line_with(decode, "3 x 4 x 9 x 13", "3 x 72 x 104 x 3") == decode[0]
    assert line_with(encode, "2 x 67 x 100 x 3", "2 x 4 x 8 x 12") == encode[0]
    assert line_with(encode, "alpha", "left out", "3 channels")
    assert line_with(encode, "100 x 67", "96 x 64", "multiples of 8")
    for report in (decode, encode):
        assert line_with(report, "in one piece")
        assert line_with(report, "fp32", "cpu") == report[-1]
    assert line_with(found["half report"], "fp16", "cpu")


def test_video_is_cores_too_whole_and_in_tiles(results: Found) -> None:
    found = results["video"]
    assert found["decode"] and found["encode"]
    assert found["shapes"] == [[5, 64, 96, 3], [1, 16, 2, 4, 12]]
    assert found["mask"] == [5, 1, 32, 96]
    assert found["tiles"] and found["encode tiles"] and found["not whole"]
    assert line_with(found["tiles report"], "tiles of 64", "overlap 16")


def test_memory_that_runs_out_once_unloads_other_models(results: Found) -> None:
    found = results["memory"]
    assert found["stays"], "another model left without need"
    is_whole, report, sizes, other_stays = found["once"]
    assert is_whole
    assert line_with(report, "memory ran out once", "in one piece")
    assert sizes == [[320, 320]] * 2
    assert not other_stays


def test_memory_that_runs_out_again_means_the_users_tiles_then_smaller_ones(
    results: Found,
) -> None:
    found = results["memory"]
    twice = "memory ran out twice", "tiles of 256", "overlap 64"
    is_right, report, sizes, _ = found["tiles"]
    assert is_right
    assert line_with(report, *twice)
    # Core's own tiles, of 64, would follow the first attempt at once.
    assert sizes == [[320, 320], [320, 320], [320, 128]]
    assert found["untouched"]
    assert line_with(found["limited overlap"], *twice)
    assert line_with(found["limited overlap"], "overlap 128", "64", "a quarter of the tile")
    report, sizes = found["halved"]
    assert line_with(report, "3 times", "tiles of 128", "overlap 32")
    assert sizes[2:] == [[320, 128], [256, 64]]
    is_right, report, sizes = found["encode"]
    assert is_right
    assert line_with(report, *twice)
    assert sizes == [[320, 320], [320, 320], [256, 256]]


def test_memory_that_never_suffices_is_one_error_with_remedies(results: Found) -> None:
    found = results["memory"]
    for verb, shape in (("decode", "1 x 3 x 320 x 320"), ("encode", "1 x 320 x 320 x 3")):
        error = found["floor" if verb == "decode" else "encode floor"]
        assert error.startswith("RuntimeError: cpu has too little memory")
        assert f"{verb} {shape} in tiles of 128 with overlap 32" in error
        assert "make the picture or the batch smaller" in error
    error, sizes = found["never"]
    assert "in one piece" in error and "set tiling to auto" in error
    assert sizes == [[320, 320]] * 2
    assert found["other error"] == "ZeroDivisionError: division by zero"


def test_tiles_asked_for_are_cores_and_near_the_whole(results: Found) -> None:
    found = results["tiles"]
    for verb in ("decode", "encode"):
        is_right, report = found[verb]
        assert is_right
        assert line_with(report, "tiles of 128", "overlap 32")
    assert found["not whole"]
    assert found["decode difference"] < 1, "more than 1/255 on average"
    assert found["encode difference"] < 0.02


def test_vae_of_sound_decodes_as_before_and_has_no_tiles_and_no_pixels(results: Found) -> None:
    found = results["tiles"]
    assert found["sound"]
    assert line_with(found["sound tiles"], "sound or 3D shapes", "set tiling to auto")
    assert line_with(found["sound encode"], "sound or 3D shapes", "choose a VAE")


def test_vae_that_has_tiles_of_its_own_is_reported(results: Found) -> None:
    found = results["tiles"]
    own = "its tiles itself"
    assert line_with(found["own tiles"], own)
    assert not any(own in line for line in found["decode"][1])


def test_fp16_that_overflows_is_done_again_in_fp32(results: Found) -> None:
    found = results["precision"]
    assert found["core is not finite"] == [True, True]
    # The weights are scaled by powers of two, which fp32 undoes exactly.
    assert found["decode"] == 0
    assert found["encode"] == 0
    for report in (*found["reports"], found["tiles report"], found["white"]):
        assert line_with(report, "fp16", "NaN or infinite", "again in fp32")
        assert line_with(report[-1:], "fp32", "cpu")
    assert found["white in core"], "core's clamp hides infinity"
    assert found["tiles"] < 1e-6
    assert found["lowvram"]


def test_fp32_copy_changes_nothing_and_leaves_nothing_in_memory(results: Found) -> None:
    found = results["precision"]
    assert found["untouched"]
    assert found["models left"] == 0
    assert found["loaded left"] == 0


def test_memory_that_runs_out_in_fp32_makes_room_too(results: Found) -> None:
    is_same, report = results["precision"]["tight"]
    assert is_same
    assert line_with(report, "fp16", "again in fp32", "memory ran out once", "in one piece")


def test_values_that_are_not_finite_name_who_is_at_fault(results: Found) -> None:
    found = results["precision"]
    for dtype in ("float32", "float16"):
        assert all(BROKEN in error for error in found[f"broken torch.{dtype}"])
    assert "come from the sampler, not from the VAE" in found["latent"]
    assert "come from an earlier node, not from the VAE" in found["pixels"]


def test_mask_is_set_latent_noise_masks_cut_as_the_picture(results: Found) -> None:
    found = results["inpainting"]
    assert found["samples"] and found["mask"] and found["grown"]
    assert line_with(found["report"], "mask", "7.2 %")
    assert line_with(found["grown report"], "mask", "grown by 3")
    assert line_with(found["empty report"], "mask", "empty", "change nothing")


def test_composite_keeps_the_original_bit_for_bit_and_blends(results: Found) -> None:
    found = results["inpainting"]
    assert found["kept"] and found["redrawn"]
    assert found["blend"] < 1e-6
    assert found["changed"] > 0.1, "nothing was redrawn"
    assert line_with(found["decode report"], "original", "85.4 %", "cropped from 100 x 67")
    assert found["uncut mask"]
    assert found["scaled mask"]
    assert line_with(found["scaled report"], "mask was scaled from 48 x 32")
    assert found["inputs untouched"]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("size", "mask is 32 x 64, the picture 64 x 64"),
        ("no alpha", "Load Image returns this empty mask"),
        ("batch", "3 masks for 2 pictures"),
        ("all masked", "nothing is left to fill it from"),
        ("fill", "choose keep or surroundings"),
        ("one channel", "encodes 3 colour channels, the pixels have 1"),
        ("rgba vae", "encodes 4 colour channels, the pixels have 3"),
        ("tiny", "picture is 64 x 7, the VAE needs at least 8 x 8"),
        ("shape", "64 x 64 x 3"),
    ],
)
def test_pixels_and_masks_that_do_not_fit_are_named(results: Found, case: str, words: str) -> None:
    assert words in results["inpainting"]["problems"][case]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("no mask", "the latent has no mask"),
        ("size", "original is 64 x 128, the decoded picture 64 x 64"),
        ("batch", "3 originals for 2 decoded pictures"),
        ("masks", "3 masks for 2 decoded pictures"),
        ("channels", "1 channels, the decoded picture 3"),
    ],
)
def test_original_that_does_not_fit_is_named(results: Found, case: str, words: str) -> None:
    assert words in results["inpainting"]["decode problems"][case]
