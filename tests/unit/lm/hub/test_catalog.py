"""The models on disk, the published models, and the menu of both."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tipo_core.lm.hub.catalog import (
    KNOWN_MODELS,
    NANO,
    find_model,
    known_model,
    local_models,
    menu_entries,
    missing_model,
    shipped_model,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a model of each form, and with other files."""
    (tmp_path / "Folder").mkdir()
    for name in (
        "Folder/config.json",
        "my-tipo.gguf",
        "chat.GGUF",
        "one.safetensors",
        "one.json",
        "vae.safetensors",
        "notes.txt",
    ):
        (tmp_path / name).write_text("{}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.gguf").mkdir()
    return tmp_path


def put_model(root: Path, name: str) -> Path:
    """Make a complete model folder."""
    return Path(shutil.copytree(shipped_model().folder, root / name))


def test_folders_and_files_of_the_roots_are_listed(root: Path) -> None:
    wanted = ["chat.GGUF", "Folder", "my-tipo.gguf", "one.safetensors"]
    assert list(local_models([root / "nowhere", root])) == [NANO, *wanted]
    assert find_model("one.safetensors", [root]).path == root / "one.safetensors"


def test_of_a_shared_folder_only_names_with_tipo_are_listed(root: Path) -> None:
    assert list(local_models([], [root])) == [NANO, "my-tipo.gguf"]
    with pytest.raises(FileNotFoundError, match="no model 'Folder'"):
        find_model("Folder", [], [root])


def test_the_first_root_wins(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "chat.GGUF").write_text("{}")
    assert find_model("chat.GGUF", [other, root], [root]).path == other / "chat.GGUF"


@pytest.mark.parametrize("name", ["../secret.gguf", "/etc/passwd", "", "vae.safetensors"])
def test_a_name_is_looked_up_and_never_used_as_a_path(root: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"choose one of tipo-nano"):
        find_model(name, [root])


@pytest.mark.parametrize(
    ("name", "begin"),
    [("gone", "there is no model 'gone': put it into"), ("", "no model is chosen: ")],
)
def test_where_only_the_shipped_model_is_a_better_one_is_offered(
    tmp_path: Path, name: str, begin: str
) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        find_model(name, [tmp_path])
    assert str(caught.value).startswith(begin)
    assert "choose tipo-nano, which comes with the pack, or for real work" in str(caught.value)
    offered = re.search(r"such as (\S+) \(([\d.]+) GB\)", str(caught.value))
    assert offered is not None
    model = known_model(offered[1])
    assert model is not None and model.gigabytes == float(offered[2])


@pytest.mark.parametrize(
    ("name", "files", "below"),
    [
        ("TIPO-500M", "config.json, tokenizer.json, model.safetensors", "TIPO-500M"),
        ("TIPOv2-1B-A200M", "TIPOv2-1B-A200M-f16.gguf", ""),
    ],
)
def test_a_published_model_says_how_to_download_it(
    root: Path, name: str, files: str, below: str
) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        find_model(name, [root])
    assert f"download {files} from https://huggingface.co/KBlueLeaf/{name}/" in str(caught.value)
    assert f"into {root / below}, or" in str(caught.value)


def test_every_published_model_is_listed_with_size_licence_and_download(
    tmp_path: Path,
) -> None:
    menu = menu_entries([tmp_path])
    assert [offer.name for offer in menu] == [NANO, *(model.name for model in KNOWN_MODELS)]
    assert menu[0].files == shipped_model()
    assert all(offer.files is None for offer in menu[1:])
    labels = {offer.name: offer.label for offer in menu}
    assert labels["TIPO-500M"] == (
        "TIPO-500M (2.03 GB, kohaku-license-1.0, downloads when it runs)"
    )
    put_model(tmp_path, "TIPO-500M")
    labels = {offer.name: offer.label for offer in menu_entries([tmp_path])}
    assert labels["TIPO-500M"] == "TIPO-500M (2.03 GB, kohaku-license-1.0)"


def test_models_on_disk_come_before_models_to_download(root: Path) -> None:
    put_model(root, "TIPO-200M")
    names = [offer.name for offer in menu_entries([root])]
    there = [NANO, "TIPO-200M", "chat.GGUF", "Folder", "my-tipo.gguf", "one.safetensors"]
    assert names[:6] == there
    assert names[6:] == [model.name for model in KNOWN_MODELS if model.name != "TIPO-200M"]


@pytest.mark.parametrize("model", KNOWN_MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("prefixed", [True, False])
def test_a_gguf_of_the_reference_pack_is_that_model(
    tmp_path: Path, model: object, prefixed: bool
) -> None:
    known = known_model(getattr(model, "name", ""))
    assert known
    path = tmp_path / (f"{known.name}_{known.gguf}" if prefixed else known.gguf)
    path.write_bytes(b"GGUF")
    assert find_model(known.name, [tmp_path]).path == path
    # A workflow that was saved with the file's own name still works.
    assert find_model(path.name, [tmp_path]).path == path
    assert missing_model(known.name, [tmp_path]) is None
    there = [offer.name for offer in menu_entries([tmp_path]) if offer.files]
    assert there == [NANO, known.name]


def test_the_folder_of_a_model_goes_before_its_gguf(tmp_path: Path) -> None:
    kgen = tmp_path / "kgen"
    kgen.mkdir()
    gguf = kgen / "TIPO-200M-ft_TIPO-200M-ft-F16.gguf"
    gguf.write_bytes(b"GGUF")
    folder = put_model(tmp_path / "tipo", "TIPO-200M-ft")
    roots = [tmp_path / "tipo", kgen]
    assert find_model("TIPO-200M-ft", roots).path == folder
    assert [offer.name for offer in menu_entries(roots)][:3] == [NANO, "TIPO-200M-ft", gguf.name]


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_an_incomplete_published_model_is_downloaded(tmp_path: Path, missing: str) -> None:
    folder = put_model(tmp_path, "TIPO-100M")
    assert missing_model("TIPO-100M", [tmp_path]) is None
    (folder / missing).unlink()
    assert missing_model("TIPO-100M", [tmp_path]) == known_model("TIPO-100M")
    offer = next(offer for offer in menu_entries([tmp_path]) if offer.name == "TIPO-100M")
    assert offer.files is None


def test_only_published_models_are_downloaded(root: Path) -> None:
    assert missing_model(NANO, [root]) is None
    assert missing_model("Folder", [root]) is None
    assert missing_model("no-such-model", [root]) is None


def test_an_unreadable_root_is_empty(tmp_path: Path) -> None:
    is_a_file = tmp_path / "tipo"
    is_a_file.write_text("")
    assert list(local_models([is_a_file])) == [NANO]


def test_the_folder_of_z_tipo_gives_its_models_and_no_pickles(tmp_path: Path) -> None:
    names = ("TIPO-100M_TIPO-100M-F16.gguf", "DanTagGen-beta_ggml-model-f16.gguf", "a.pt", "b.bin")
    for name in names:
        (tmp_path / name).write_bytes(b"GGUF")
    labels = {offer.name: offer.label for offer in menu_entries([tmp_path]) if offer.files}
    assert set(labels) == {NANO, "TIPO-100M", names[1]}
    assert labels[names[1]] == f"{names[1]} (DanTagGen: reads another prompt format)"
    assert find_model("TIPO-100M", [tmp_path]).path.name == names[0]
