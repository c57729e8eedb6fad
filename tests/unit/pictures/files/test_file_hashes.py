"""Hashes of model files as A1111 writes them, compared with hashlib and foreign readers."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.pictures.files.foreign_readers import civitai_entries, read_a1111_settings
from tests.unit.pictures.files.test_generation_settings import CORE, core_graph, node
from tipo_core.pictures.files.file_hashes import (
    HashFolder,
    PictureHashes,
    hash_of,
    picture_hashes,
    start_computing,
    wait_for,
)
from tipo_core.pictures.files.graph_links import Graph
from tipo_core.pictures.files.infotext import infotext
from tipo_core.pictures.files.used_files import (
    EMBEDDING,
    LORA,
    MODEL,
    VAE,
    UsedFile,
    read_used_files,
)


def safetensors(path: Path, tensors: bytes, **metadata: str) -> Path:
    header = json.dumps({"__metadata__": metadata}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + tensors)
    return path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (3 << 20) + 7])
def test_hash_of_a_lora_is_that_of_its_tensors(tmp_path: Path, size: int) -> None:
    tensors = os.urandom(size)
    path = safetensors(tmp_path / "a.safetensors", tensors, note="x" * 2_000_000)
    assert hash_of(path, LORA) == sha256(tensors)
    for kind in (MODEL, VAE, EMBEDDING):
        assert hash_of(path, kind) == sha256(path.read_bytes())
    other = tmp_path / "a.pt"
    other.write_bytes(path.read_bytes())
    assert hash_of(other, LORA) == sha256(path.read_bytes())


def test_hash_that_a_header_states_is_taken(tmp_path: Path) -> None:
    stated = sha256(b"at training time")
    path = safetensors(tmp_path / "a.safetensors", b"tensors", sshs_model_hash=stated.upper())
    assert hash_of(path, LORA) == stated
    assert hash_of(path, MODEL) == sha256(path.read_bytes())
    for wrong in ("", "short", "z" * 64):
        path = safetensors(tmp_path / "b.safetensors", b"tensors", sshs_model_hash=wrong)
        assert hash_of(path, LORA) == sha256(b"tensors")


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 40, b"\x02" + bytes(7) + b"[]rest"])
def test_damaged_file_has_a_hash(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    assert hash_of(path, MODEL) == sha256(content)
    assert len(hash_of(path, LORA)) == 64


def test_hash_of_a_replaced_file_is_computed_again(tmp_path: Path) -> None:
    folder, path = HashFolder(tmp_path / "hashes"), tmp_path / "model.ckpt"
    path.write_bytes(b"one")
    assert folder.find(path, MODEL) is None
    folder.compute(path, MODEL)
    assert folder.find(path, MODEL) == sha256(b"one")
    assert folder.find(path, LORA) is None, "the tensors of a LoRA are another hash"
    (entry,) = (tmp_path / "hashes").iterdir()
    assert "model" not in entry.name + entry.read_text(), "it does not reveal the path"
    path.write_bytes(b"three")
    assert folder.find(path, MODEL) is None
    folder.compute(path, MODEL)
    for entry in (tmp_path / "hashes").iterdir():
        entry.write_text("damaged")
    assert folder.find(path, MODEL) is None
    path.unlink()
    assert folder.find(path, MODEL) is None


def test_files_are_hashed_once_and_the_wait_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, path = HashFolder(tmp_path / "hashes"), tmp_path / "large.ckpt"
    path.write_bytes(b"large")
    may_go_on, started = threading.Event(), []

    def slow(path: Path, kind: str) -> str:
        started.append((path, kind))
        may_go_on.wait(10)
        return sha256(path.read_bytes())

    monkeypatch.setattr("tipo_core.pictures.files.file_hashes.hash_of", slow)
    thread = start_computing(folder, [(path, MODEL), (path, MODEL)])
    assert thread is not None and thread.daemon
    start = time.monotonic()
    wait_for(thread, 0.3, lambda: None)
    assert 0.2 < time.monotonic() - start < 2.0
    assert start_computing(folder, [(path, MODEL)]) is None, "it is being computed"
    may_go_on.set()
    wait_for(thread, 10.0, lambda: None)
    assert folder.find(path, MODEL) and started == [(path, MODEL)]

    def cancel() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wait_for(thread, 10.0, cancel)


def test_unreadable_file_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder, path = HashFolder(tmp_path / "file"), tmp_path / "m.ckpt"
    (tmp_path / "file").write_text("a file where the folder should be")
    path.write_bytes(b"x")
    thread = start_computing(folder, [(path, MODEL)])
    assert thread
    thread.join(10)
    assert "no hash of 'm.ckpt'" in caplog.text


def used(graph: dict[str, Any], *prompts: str) -> list[tuple[str, str]]:
    return [(one.kind, one.name) for one in read_used_files(Graph(graph), "save", prompts)]


def test_files_of_a_graph_are_found() -> None:
    graph = core_graph()
    graph["lora"]["inputs"] |= {"lora_name": "style/a.safetensors", "strength_model": 0.5}
    expected = [
        (MODEL, "sd15/anime v3.5.safetensors"),
        (VAE, "sd15\\mse.safetensors"),
        (LORA, "style/a.safetensors"),
    ]
    prompts = "cat, embedding:easy/neg:1.2, (embedding:b.pt), <lora:c:1>", "Embedding:easy/neg"
    embeddings = [(EMBEDDING, "easy/neg"), (EMBEDDING, "b.pt")]
    assert used(graph, *prompts) == [*expected, *embeddings]
    graph["lora"]["inputs"] |= {"strength_model": 0, "strength_clip": 0.0}
    assert used(graph) == expected[:2]
    rows = {
        "lora_1": {"on": True, "lora": "b", "strength": 1},
        "lora_2": {"on": False, "lora": "c"},
    }
    graph["lora"] = node("Power Lora Loader", model=["load", 0], clip=["load", 1], **rows)
    assert used(graph) == [*expected[:2], (LORA, "b")]
    # Tags count where a node applies them.
    graph["lora"] = node("TipoLoraPrompt", model=["load", 0], text="<lora:a:1>, cat <lyco:b>")
    assert used(graph) == [*expected[:2], (LORA, "a"), (LORA, "b")]
    graph["lora"]["inputs"]["text"] = ["expand", 0]
    assert used(graph, "<lora:c:0.5>") == [*expected[:2], (LORA, "c")]
    graph["vae"] = node("TipoLoadVae", vae_name="checkpoint: other.safetensors")
    graph["load"] = node("UNETLoader", unet_name="flux.gguf")
    assert used(graph) == [(MODEL, "flux.gguf")]
    assert used({}) == used({"save": node("TipoSaveImage", images=["load", 0])}) == []


@pytest.mark.parametrize(
    ("kind", "name", "listed"),
    [
        (MODEL, "sd15\\a.safetensors", "sd15/a.safetensors"),
        (MODEL, "a", None),
        (MODEL, "../a.safetensors", None),
        (LORA, "b", "styles/b.safetensors"),
        (LORA, "styles/b", "styles/b.safetensors"),
        (LORA, "twice", None),
        (LORA, "x/twice", "x/twice.safetensors"),
        (EMBEDDING, "gone", None),
    ],
)
def test_only_listed_files_are_meant(kind: str, name: str, listed: str | None) -> None:
    files = ["sd15/a.safetensors", "styles/b.safetensors"]
    files += ["x/twice.safetensors", "y/twice.safetensors"]
    assert UsedFile(kind, name).listed(files) == listed


def test_hashes_are_written_as_a1111_does() -> None:
    digests = {name: sha256(name.encode()) for name in "mvle"}
    found = picture_hashes(
        [
            (UsedFile(MODEL, "m.safetensors"), digests["m"]),
            (UsedFile(VAE, "v.pt"), digests["v"]),
            (UsedFile(LORA, "folder/a: lora, v1.0.safetensors"), digests["l"]),
            (UsedFile(LORA, "b.safetensors"), digests["m"]),
            (UsedFile(EMBEDDING, "easynegative"), digests["e"]),
        ]
    )
    text = infotext(CORE, "", (64, 64), "ComfyUI", found)
    entries = read_a1111_settings(text)
    model, vae = digests["m"][:10], digests["v"][:10]
    embedding = digests["e"][:12]
    assert (entries["Model hash"], entries["VAE hash"]) == (model, vae)
    loras = f"a lora v1.0: {digests['l'][:12]}, b: {digests['m'][:12]}"
    assert entries["Lora hashes"] == loras
    assert entries["TI hashes"] == f"easynegative: {embedding}"
    assert (entries["Model"], entries["Version"]) == (CORE.model, "ComfyUI")
    order = ["Size", "Model hash", "Model", "VAE hash", "VAE", "Clip skip", "Lora hashes"]
    places = [text.index(f"{key}: ") for key in [*order, "TI hashes", "Hashes", "Version"]]
    assert places == sorted(places)
    # CivitAI takes out this entry, and then splits the line.
    start = text.index(", Hashes: {")
    end = text.index("}", start) + 1
    listed = json.loads(text[start + len(", Hashes: ") : end])
    assert listed == {"embed:easynegative": digests["e"][:10]}
    entries = civitai_entries(text[:start].splitlines()[-1] + text[end:])
    assert (entries["Model hash"], entries["VAE hash"]) == (model, vae)
    assert entries["Lora hashes"] == loras


def test_without_hashes_the_text_is_as_before() -> None:
    text = infotext(CORE, "", (64, 64), "ComfyUI")
    assert text == infotext(CORE, "", (64, 64), "ComfyUI", PictureHashes())
    assert "hash" not in text
    known = PictureHashes(model="0123456789")
    assert "hash" not in infotext(replace(CORE, steps=None), "", (64, 64), "ComfyUI", known)
