"""Downloads from a local server that plays the hub: whole, resumed, refused, cancelled, shared."""

from __future__ import annotations

import errno
import os
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest
import requests

from tests.unit.lm.hub_server import HubServer
from tipo_core.lm.hub.catalog import KnownModel, known_model
from tipo_core.lm.hub.download import STAGING, Disk, DownloadError, Hub, download

WEIGHTS = "model.safetensors"
CONTENT = random.Random(0).randbytes(200_000)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is on this machine, whatever the environment says of the world outside."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture
def server() -> Iterator[HubServer]:
    files = {
        "config.json": b'{"model_type": "llama"}',
        "tokenizer.json": b'{"version": "1.0"}',
        WEIGHTS: CONTENT,
        "pytorch_model.bin": b"a pickle",
        "README.md": b"a card",
    }
    with HubServer(files) as serving:
        yield serving


@pytest.fixture
def hub(server: HubServer) -> Hub:
    return Hub(endpoint=server.url, pause=0.0)


@pytest.fixture
def model() -> KnownModel:
    found = known_model("TIPO-500M")
    assert found
    return found


def partial(root: Path) -> list[int]:
    """The sizes of the partial files."""
    return [path.stat().st_size for path in root.rglob("*.part")]


def assert_whole(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        STAGING,
        "config.json",
        WEIGHTS,
        "tokenizer.json",
    ]
    assert (folder / WEIGHTS).read_bytes() == CONTENT
    assert partial(folder) == []


def test_a_folder_comes_whole_and_with_what_the_loader_reads_alone(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    folder = download(model, tmp_path, lambda done, total: seen.append((done, total)), hub)
    assert folder == tmp_path / "TIPO-500M"
    assert_whole(folder)
    total = sum(len(server.files[name]) for name in ("config.json", "tokenizer.json", WEIGHTS))
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_second_time_nothing_is_asked_for(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    download(model, tmp_path, hub=hub)
    server.asked.clear()
    download(model, tmp_path, hub=hub)
    assert server.asked == []


def test_a_model_that_comes_as_gguf_is_one_file(server: HubServer, tmp_path: Path) -> None:
    known = known_model("TIPOv2-1B-A200M")
    assert known
    server.files[known.gguf] = CONTENT
    path = download(known, tmp_path, hub=Hub(endpoint=server.url))
    assert path == tmp_path / known.gguf and path.read_bytes() == CONTENT


def test_a_sentencepiece_tokenizer_comes_where_there_is_no_other(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.files["tokenizer.model"] = server.files.pop("tokenizer.json")
    assert (download(model, tmp_path, hub=hub) / "tokenizer.model").is_file()


@pytest.mark.parametrize("kind", ["of huggingface_hub", "of requests"])
def test_a_cut_connection_is_taken_up_where_it_ended(
    server: HubServer, model: KnownModel, tmp_path: Path, kind: str
) -> None:
    server.cuts[WEIGHTS] = [70_000, 50_000]
    with requests.Session() as session:
        session.trust_env = False
        given = session if kind == "of requests" else None
        hub = Hub(endpoint=server.url, session=given, pause=0.0)
        assert_whole(download(model, tmp_path, hub=hub))
    first, *others = server.fetched(WEIGHTS)
    starts = [int(str(asked).removeprefix("bytes=").rstrip("-")) for asked in others]
    assert first is None and len(starts) == 2 and 0 < starts[0] < starts[1] <= 120_000


def test_a_connection_that_hangs_is_given_up_for_another(
    server: HubServer, model: KnownModel, tmp_path: Path
) -> None:
    server.hangs[WEIGHTS] = [70_000]
    assert_whole(download(model, tmp_path, hub=Hub(endpoint=server.url, pause=0.0, timeout=0.5)))
    assert server.fetched(WEIGHTS) == [None, "bytes=70000-"]


def test_what_a_stopped_run_fetched_is_kept_for_the_next(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.cuts[WEIGHTS] = [50_000, 0, 0, 0, 0, 0]
    with pytest.raises(DownloadError, match="run again to go on"):
        download(model, tmp_path, hub=hub)
    (kept,) = partial(tmp_path)
    assert 0 < kept <= 50_000
    server.cuts.clear()
    assert_whole(download(model, tmp_path, hub=hub))
    assert server.fetched(WEIGHTS)[-1] == f"bytes={kept}-"


def test_a_server_that_ignores_ranges_sends_all_of_it_again(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.honours_ranges = False
    server.cuts[WEIGHTS] = [50_000]
    assert_whole(download(model, tmp_path, hub=hub))


def test_a_new_version_does_not_continue_the_old_one(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.cuts[WEIGHTS] = [50_000, 0, 0, 0, 0, 0]
    with pytest.raises(DownloadError):
        download(model, tmp_path, hub=hub)
    server.cuts.clear()
    server.files[WEIGHTS] = CONTENT[::-1]
    folder = download(model, tmp_path, hub=hub)
    assert (folder / WEIGHTS).read_bytes() == CONTENT[::-1]
    assert partial(folder) == []


@pytest.mark.parametrize(("name", "digits"), [(WEIGHTS, 64), ("config.json", 40)])
def test_a_wrong_checksum_leaves_nothing(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path, name: str, digits: int
) -> None:
    server.etags[name] = "0" * digits
    with pytest.raises(DownloadError, match=f"{name} came damaged .* run again"):
        download(model, tmp_path, hub=hub)
    assert not (tmp_path / model.name / name).exists()
    assert partial(tmp_path) == []


def test_a_partial_file_that_is_too_long_is_not_taken(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    staging = tmp_path / model.name / STAGING
    staging.mkdir(parents=True)
    (staging / f"{WEIGHTS}.{server.etag(WEIGHTS)[:16]}.part").write_bytes(CONTENT + b"more")
    with pytest.raises(DownloadError, match=r"came damaged .200004 bytes of 200000"):
        download(model, tmp_path, hub=hub)
    assert_whole(download(model, tmp_path, hub=hub))


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_model_says_how_to_log_in(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path, status: int
) -> None:
    server.statuses["config.json"] = status
    with pytest.raises(DownloadError, match=r"log in with .* HF_TOKEN") as caught:
        download(model, tmp_path, hub=hub)
    assert "https://huggingface.co/KBlueLeaf/TIPO-500M/tree/main" in str(caught.value)


def test_a_file_that_the_hub_has_not_is_named(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    del server.files[WEIGHTS]
    with pytest.raises(DownloadError, match=r"KBlueLeaf/TIPO-500M .* has no model.safetensors"):
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


def test_a_page_that_is_not_the_hubs_is_said_to_be_so(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.etags["config.json"] = '"'
    with pytest.raises(DownloadError, match="not the hub's"):
        download(model, tmp_path, hub=hub)


class SmallDisk(Disk):
    """A disk that says it has `room` and takes `takes` bytes."""

    def __init__(self, room: int, takes: int) -> None:
        self.room = room
        self.takes = takes

    def free(self, folder: Path) -> int:
        return self.room

    def write(self, file: IO[bytes], chunk: bytes) -> None:
        if file.tell() + len(chunk) > self.takes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(file, chunk)


def test_a_disk_with_too_little_room_is_said_before_the_first_byte(
    server: HubServer, model: KnownModel, tmp_path: Path
) -> None:
    hub = Hub(endpoint=server.url, disk=SmallDisk(room=1000, takes=10**9))
    with pytest.raises(DownloadError, match=r"needs .* kB more in .*TIPO-500M and"):
        download(model, tmp_path, hub=hub)
    assert server.fetched(WEIGHTS) == []


def test_a_disk_that_fills_up_keeps_what_it_took(
    server: HubServer, model: KnownModel, tmp_path: Path
) -> None:
    full = Hub(endpoint=server.url, disk=SmallDisk(room=10**9, takes=100_000))
    with pytest.raises(DownloadError, match="make room and run again"):
        download(model, tmp_path, hub=full)
    (kept,) = partial(tmp_path)
    assert 0 < kept <= 100_000
    assert_whole(download(model, tmp_path, hub=Hub(endpoint=server.url)))
    assert server.fetched(WEIGHTS)[-1] == f"bytes={kept}-"


def test_a_folder_that_cannot_be_written_is_named(
    hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    (tmp_path / "TIPO-500M").write_text("a file where the folder goes")
    with pytest.raises(DownloadError, match=r"cannot be written to .*TIPO-500M"):
        download(model, tmp_path, hub=hub)


class Cancelled(BaseException):
    """What a host raises to cancel."""


def test_a_cancel_stops_in_the_middle_and_the_next_run_goes_on(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    calls_after = []

    def cancel(done: int, total: int) -> None:
        if done > 60_000:
            calls_after.append(done)
            raise Cancelled

    with pytest.raises(Cancelled):
        download(model, tmp_path, cancel, hub)
    assert len(calls_after) == 1
    (kept,) = partial(tmp_path)
    assert kept < len(CONTENT)
    assert_whole(download(model, tmp_path, hub=hub))
    assert server.fetched(WEIGHTS) == [None, f"bytes={kept}-"]


def test_two_at_once_fetch_each_file_once(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.seconds = 0.005
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(download, model, tmp_path, None, hub) for _ in range(2)]
        folders = {run.result() for run in runs}
    (folder,) = folders
    assert_whole(folder)
    assert server.fetched(WEIGHTS) == [None]


def test_who_waits_for_another_download_can_cancel(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    """The second comes while the first is inside its download, and gives up its wait."""
    waits: list[int] = []

    def give_up(done: int, total: int) -> None:
        waits.append(done)
        raise Cancelled

    def start_second(done: int, total: int) -> None:
        if done > 60_000 and not waits:
            with pytest.raises(Cancelled):
                download(model, tmp_path, give_up, hub)

    assert_whole(download(model, tmp_path, start_second, hub))
    assert len(waits) == 1
