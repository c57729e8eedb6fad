from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.pictures.vae.diffusers_folder import (
    files_of_folder,
    find_vae_folder,
    shards_of_index,
    vae_folder_names,
)

WEIGHTS = "diffusion_pytorch_model"
INDEX = f"{WEIGHTS}.safetensors.index.json"
SHARDS = [f"{WEIGHTS}-0000{n}-of-00002.safetensors" for n in (1, 2)]


def folder_with(path: Path, *names: str, config: str = "{}") -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text(config)
    for name in names:
        (path / name).touch()
    return path


def index_of(path: Path, files: list[str], name: str = INDEX) -> Path:
    weight_map = {str(n): file for n, file in enumerate(files)}
    (path / name).write_text(json.dumps({"weight_map": weight_map}))
    return path


def test_folders_that_hold_a_vae_are_named_from_their_root(tmp_path: Path) -> None:
    roots = [tmp_path / "vae", tmp_path / "diffusers", tmp_path / "absent"]
    folder_with(roots[0] / "one", f"{WEIGHTS}.safetensors")
    folder_with(roots[0] / "deep" / "fp16", f"{WEIGHTS}.fp16.safetensors")
    index_of(folder_with(roots[1] / "sharded"), [])
    folder_with(roots[1] / "one", f"{WEIGHTS}.safetensors")
    folder_with(roots[1] / "odd", f"{WEIGHTS}.safetensors", config="{")
    pipeline = roots[1] / "pipeline"
    folder_with(pipeline / "vae", f"{WEIGHTS}.safetensors")
    folder_with(pipeline / "unet", f"{WEIGHTS}.safetensors")
    (pipeline / "model_index.json").touch()
    (roots[0] / "pipeline").mkdir()  # the same name, and no VAE in it
    # Neither is offered: a pickle, another file, another class, hidden, a pipeline without a VAE.
    folder_with(roots[1] / "pickle", f"{WEIGHTS}.bin")
    folder_with(roots[1] / "other", "model.safetensors")
    unet = '{"_class_name": "UNet2DConditionModel"}'
    folder_with(roots[1] / "unet", f"{WEIGHTS}.safetensors", config=unet)
    folder_with(roots[1] / ".cache" / "one", f"{WEIGHTS}.safetensors")
    folder_with(roots[1] / "no-vae" / "unet", f"{WEIGHTS}.safetensors")
    (roots[1] / "no-vae" / "model_index.json").touch()

    names = vae_folder_names(roots)
    assert names == ["deep/fp16", "odd", "one", "pipeline", "sharded"]
    assert find_vae_folder("one", roots) == roots[0] / "one"
    assert find_vae_folder("pipeline", roots) == pipeline / "vae"


def test_links_that_lead_up_end(tmp_path: Path) -> None:
    folder_with(tmp_path / "one", f"{WEIGHTS}.safetensors")
    (tmp_path / "one" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "two").symlink_to(tmp_path / "one", target_is_directory=True)
    assert vae_folder_names([tmp_path]) == ["one", "two"]


PARTS = st.sampled_from(["..", ".", "", "a", "vae", "C:", "\\", "/", "~", "\0"])


@settings(max_examples=60)
@given(st.lists(PARTS, max_size=5))
def test_a_found_folder_is_below_a_root(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    root = tmp_path_factory.getbasetemp() / "below" / "root"
    (root / "a" / "vae").mkdir(parents=True, exist_ok=True)
    (root.parent / "vae").mkdir(exist_ok=True)
    try:
        found = find_vae_folder("/".join(parts), [root])
    except ValueError as error:
        assert "models/vae or models/diffusers" in str(error)
    else:
        assert root in found.resolve().parents


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        ([f"{WEIGHTS}.fp16.safetensors", f"{WEIGHTS}.safetensors"], [f"{WEIGHTS}.safetensors"]),
        ([f"{WEIGHTS}.bf16.safetensors", f"{WEIGHTS}.bin"], [f"{WEIGHTS}.bf16.safetensors"]),
        ([f"{WEIGHTS}.safetensors", *SHARDS, "index"], [f"{WEIGHTS}.safetensors"]),
        ([f"{WEIGHTS}.fp16.safetensors", *SHARDS, "index"], SHARDS),
        ([*SHARDS, "fp16 index"], SHARDS),
    ],
)
def test_whole_precision_comes_before_a_variant(
    tmp_path: Path, names: list[str], taken: list[str]
) -> None:
    folder = folder_with(tmp_path / "vae", *(name for name in names if "index" not in name))
    if "index" in names:
        index_of(folder, [*SHARDS, *SHARDS])
    if "fp16 index" in names:
        index_of(folder, [*SHARDS], f"{WEIGHTS}.safetensors.index.fp16.json")
    found = files_of_folder(folder)
    assert [path.name for path in found.weights] == taken
    assert (found.index is not None) == (taken == SHARDS)


@pytest.mark.parametrize(
    ("names", "config", "words"),
    [
        ([], "{}", ["no diffusion_pytorch_model.safetensors", "download"]),
        ([f"{WEIGHTS}.bin"], "{}", [f"'{WEIGHTS}.bin', a pickle", "convert"]),
        (SHARDS, "{}", ["without their index"]),
        ([f"{WEIGHTS}.safetensors"], "[]", ["config.json", "not a JSON object"]),
        ([f"{WEIGHTS}.safetensors"], '{"_class_name": "UNet"}', ["says UNet"]),
        (
            [f"{WEIGHTS}.safetensors"],
            '{"_class_name": "AutoencoderTiny"}',
            ["taesd_encoder.safetensors", "models/vae_approx"],
        ),
    ],
)
def test_error_names_the_missing_or_wrong_file_of_a_folder(
    tmp_path: Path, names: list[str], config: str, words: list[str]
) -> None:
    folder = folder_with(tmp_path / "mine", *names, config=config)
    with pytest.raises(ValueError) as caught:
        files_of_folder(folder)
    assert all(word in str(caught.value) for word in ["'mine'", *words]), caught.value


def test_a_folder_without_config_or_a_pipeline_without_vae_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no config\.json"):
        files_of_folder(tmp_path)
    with pytest.raises(ValueError, match=r"has no subfolder 'vae'"):
        files_of_folder(tmp_path / "vae")


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = index_of(folder_with(tmp_path / "mine", SHARDS[0]), [*SHARDS])
    with pytest.raises(ValueError, match=f"'{SHARDS[1]}' .* is missing in the folder 'mine'"):
        files_of_folder(folder)


@pytest.mark.parametrize("file", ["../x.sft", "/x.sft", "a/x.sft", "..\\x.sft", "C:x.sft"])
def test_an_index_is_not_followed_out_of_its_folder(tmp_path: Path, file: str) -> None:
    folder = index_of(folder_with(tmp_path / "vae", SHARDS[0]), [SHARDS[0], file])
    with pytest.raises(ValueError, match="outside its folder, which is not read"):
        files_of_folder(folder)


FILES = st.sampled_from([*SHARDS, "x.bin", "../x.safetensors", "a\0.safetensors", "", 1, None])
WEIGHT_MAPS = st.dictionaries(st.sampled_from("abc"), FILES) | FILES | st.lists(FILES)


@settings(max_examples=60)
@given(st.binary(max_size=20) | WEIGHT_MAPS.map(lambda it: json.dumps({"weight_map": it}).encode()))
def test_an_index_gives_plain_file_names_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "index.json"
    path.write_bytes(content)
    try:
        shards = shards_of_index(path)
    except ValueError as error:
        assert "'index.json'" in str(error)
    else:
        assert set(shards.values()) <= set(SHARDS) and shards


def test_a_deeply_nested_index_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="as JSON"):
        shards_of_index(tmp_path / "index.json")
