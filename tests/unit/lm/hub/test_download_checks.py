"""A download is accepted only with a known checksum, its own type and progress."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.unit.lm.hub_server import HubServer
from tipo_core.lm.hub.catalog import KnownModel, known_model, missing_model
from tipo_core.lm.hub.download import DownloadError, Hub, download

from .conftest import CONTENT, WEIGHTS, assert_whole, partial

PAGE = b"<html><body>Log in to use this network.</body></html>\r\n\r\n"
FILES = ("config.json", "tokenizer.json", WEIGHTS)


@pytest.mark.parametrize("etag", ["57-5f3a1b2c", "0" * 32, "abc", "W/57-5f3a1b2c"])
def test_a_web_page_never_becomes_a_model(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path, etag: str
) -> None:
    """The login page of a network has an ETag, but not a checksum of the hub."""
    assert len(PAGE) == 57
    server.files |= dict.fromkeys(FILES, PAGE)
    server.etags |= dict.fromkeys(FILES, etag)
    with pytest.raises(DownloadError, match=r"ETag .* no checksum .* HF_ENDPOINT") as caught:
        download(model, tmp_path, hub=hub)
    assert "https://huggingface.co/KBlueLeaf/TIPO-500M/tree/main" in str(caught.value)
    assert [path.name for path in tmp_path.rglob("*") if path.name in FILES] == []
    assert partial(tmp_path) == [] and server.fetched("config.json") == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PAGE, "a web page"),
        (b"\n  <!DOCTYPE html><html></html>", "a web page"),
        (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "an XML document"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"\x80\x04" + bytes(90), "a pickle"),
        (b"\0" * 90, "another type of file"),
        (b"", "an empty file"),
    ],
    ids=["page", "page after blanks", "xml", "lfs", "pickle", "zeros", "empty"],
)
def test_a_file_with_a_right_checksum_must_be_of_its_type(
    server: HubServer,
    hub: Hub,
    model: KnownModel,
    tmp_path: Path,
    name: str,
    content: bytes,
    kind: str,
) -> None:
    server.files[name] = content
    with pytest.raises(DownloadError, match=rf"{name} was deleted, because it is {kind}"):
        download(model, tmp_path, hub=hub)
    assert not (tmp_path / model.name / name).exists() and partial(tmp_path) == []


def test_a_wrong_gguf_file_is_refused(server: HubServer, hub: Hub, tmp_path: Path) -> None:
    known = known_model("TIPOv2-1B-A200M")
    assert known
    server.files[known.gguf] = CONTENT
    with pytest.raises(DownloadError, match="is a safetensors file"):
        download(known, tmp_path, hub=hub)
    assert not (tmp_path / known.gguf).exists()


@pytest.mark.parametrize(
    "content",
    [PAGE, b"", b"version https://git-lfs.github.com/spec/v1\n"],
    ids=["page", "empty", "lfs"],
)
@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_on_disk_is_fetched_again(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path, name: str, content: bytes
) -> None:
    folder = download(model, tmp_path, hub=hub)
    assert missing_model(model.name, [tmp_path]) is None
    (folder / name).write_bytes(content)
    assert missing_model(model.name, [tmp_path]) is model
    server.asked.clear()
    assert_whole(download(model, tmp_path, hub=hub))
    assert {asked for _, asked, _ in server.asked} == {name}
    assert missing_model(model.name, [tmp_path]) is None


def test_a_wrong_gguf_file_on_disk_is_fetched_again(
    server: HubServer, hub: Hub, tmp_path: Path
) -> None:
    known = known_model("TIPOv2-1B-A200M")
    assert known
    (tmp_path / known.gguf).write_bytes(PAGE)
    assert missing_model(known.name, [tmp_path]) is known
    server.files[known.gguf] = content = b"GGUF" + CONTENT
    assert download(known, tmp_path, hub=hub).read_bytes() == content
    assert missing_model(known.name, [tmp_path]) is None


def test_a_wrong_file_is_named_if_it_cannot_be_fetched(model: KnownModel, tmp_path: Path) -> None:
    folder = tmp_path / model.name
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes(PAGE)
    hub = Hub(endpoint="http://127.0.0.1:9", pause=0.0)
    with pytest.raises(DownloadError, match=r"config\.json is a web page.*cannot be reached"):
        download(model, tmp_path, hub=hub)
    assert (folder / WEIGHTS).read_bytes() == PAGE


@pytest.mark.parametrize("cuts", [[50_000, 40_000] * 9, [60_000, 50_000, 55_000] * 6])
def test_the_best_offset_counts_as_progress_not_the_last(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path, cuts: list[int]
) -> None:
    """A server without ranges sends the file from its beginning after each cut."""
    server.honours_ranges = False
    server.cuts[WEIGHTS] = cuts
    with pytest.raises(DownloadError, match="run again to resume"):
        download(model, tmp_path, hub=hub)
    assert len(server.fetched(WEIGHTS)) <= 6


def test_single_bytes_are_no_progress(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.cut_all[WEIGHTS] = 1
    with pytest.raises(DownloadError, match="run again to resume"):
        download(model, tmp_path, hub=hub)
    assert len(server.fetched(WEIGHTS)) == 5
    assert partial(tmp_path) == [5]


@pytest.mark.parametrize("kind", ["of huggingface_hub", "of requests"])
def test_a_connection_that_drips_is_given_up(
    server: HubServer, model: KnownModel, tmp_path: Path, kind: str
) -> None:
    server.packet, server.seconds = 1, 0.02
    server.files["config.json"] = b"{}"
    server.files["tokenizer.json"] = b"{}"
    heard: list[int] = []
    with requests.Session() as session:
        session.trust_env = False
        given = session if kind == "of requests" else None
        hub = Hub(endpoint=server.url, session=given, pause=0.0, patience=0.2)
        with pytest.raises(DownloadError, match=r"1 kB/s.* run again to resume"):
            download(model, tmp_path, lambda done, total: heard.append(done), hub)
    assert len(server.fetched(WEIGHTS)) == 5
    # A cancel is heard at each byte.
    assert len(set(heard)) > 20
