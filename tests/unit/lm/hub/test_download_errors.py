"""Downloads that fail: each error names the cause, the remedy and the manual download."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import IO

import pytest

from tests.unit.lm.hub_server import HubServer
from tipo_core.lm.hub.catalog import KnownModel
from tipo_core.lm.hub.download import Disk, DownloadError, Hub, download

from .conftest import WEIGHTS, assert_whole, partial


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_model_says_how_to_log_in(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path, status: int
) -> None:
    server.statuses["config.json"] = status
    with pytest.raises(DownloadError, match=r"log in with .* HF_TOKEN") as caught:
        download(model, tmp_path, hub=hub)
    assert "https://huggingface.co/KBlueLeaf/TIPO-500M/tree/main" in str(caught.value)


def test_a_file_that_the_hub_lacks_is_named(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    del server.files[WEIGHTS]
    with pytest.raises(
        DownloadError, match=r"KBlueLeaf/TIPO-500M .* has no file model.safetensors"
    ):
        download(model, tmp_path, hub=hub)


def test_no_network_is_one_error_with_address_and_folder(model: KnownModel, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(DownloadError) as caught:
            download(model, tmp_path, hub=Hub(endpoint=url, pause=0.0))
    text = str(caught.value)
    assert "cannot be reached" in text and "\n" not in text
    assert "https://huggingface.co/KBlueLeaf/TIPO-500M/tree/main" in text
    assert str(tmp_path / "TIPO-500M") in text


def test_an_answer_of_another_server_is_an_error(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.etags["config.json"] = '"'
    with pytest.raises(DownloadError, match="no checksum of the hub"):
        download(model, tmp_path, hub=hub)


class SmallDisk(Disk):
    """A disk that reports `room` free bytes and accepts files of up to `takes` bytes."""

    def __init__(self, room: int, takes: int) -> None:
        self.room = room
        self.takes = takes

    def free(self, folder: Path) -> int:
        return self.room

    def write(self, file: IO[bytes], chunk: bytes) -> None:
        if file.tell() + len(chunk) > self.takes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(file, chunk)


def test_too_little_free_space_is_an_error_before_the_first_byte(
    server: HubServer, model: KnownModel, tmp_path: Path
) -> None:
    hub = Hub(endpoint=server.url, disk=SmallDisk(room=1000, takes=10**9))
    with pytest.raises(DownloadError, match=r"needs .* kB more in .*TIPO-500M and"):
        download(model, tmp_path, hub=hub)
    assert server.fetched(WEIGHTS) == []


def test_a_download_to_a_full_disk_is_resumed(
    server: HubServer, model: KnownModel, tmp_path: Path
) -> None:
    full = Hub(endpoint=server.url, disk=SmallDisk(room=10**9, takes=100_000))
    with pytest.raises(DownloadError, match="free disk space and run again"):
        download(model, tmp_path, hub=full)
    (kept,) = partial(tmp_path)
    assert 0 < kept <= 100_000
    assert_whole(download(model, tmp_path, hub=Hub(endpoint=server.url)))
    assert server.fetched(WEIGHTS)[-1] == f"bytes={kept}-"


def test_an_unwritable_folder_is_named(hub: Hub, model: KnownModel, tmp_path: Path) -> None:
    (tmp_path / "TIPO-500M").write_text("a file in place of the folder")
    with pytest.raises(DownloadError, match=r"cannot be written to .*TIPO-500M"):
        download(model, tmp_path, hub=hub)
