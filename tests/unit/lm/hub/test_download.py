"""Downloads from a local server in place of the hub: complete, resumed, cancelled, at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.unit.lm.hub_server import HubServer
from tipo_core.lm.hub.catalog import KnownModel, known_model
from tipo_core.lm.hub.download import STAGING, DownloadError, Hub, download

from .conftest import CONTENT, WEIGHTS, assert_whole, partial


def test_only_the_files_of_the_loader_are_downloaded(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    folder = download(model, tmp_path, lambda done, total: seen.append((done, total)), hub)
    assert folder == tmp_path / "TIPO-500M"
    assert_whole(folder)
    total = sum(len(server.files[name]) for name in ("config.json", "tokenizer.json", WEIGHTS))
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_complete_model_is_not_requested_again(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    download(model, tmp_path, hub=hub)
    server.asked.clear()
    download(model, tmp_path, hub=hub)
    assert server.asked == []


def test_a_gguf_model_is_one_file(server: HubServer, tmp_path: Path) -> None:
    known = known_model("TIPOv2-1B-A200M")
    assert known
    server.files[known.gguf] = content = b"GGUF" + CONTENT
    path = download(known, tmp_path, hub=Hub(endpoint=server.url))
    assert path == tmp_path / known.gguf and path.read_bytes() == content


def test_a_sentencepiece_tokenizer_is_the_second_choice(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    del server.files["tokenizer.json"]
    server.files["tokenizer.model"] = b"\n\x0c\n\x05<unk>"
    assert (download(model, tmp_path, hub=hub) / "tokenizer.model").is_file()


@pytest.mark.parametrize("kind", ["of huggingface_hub", "of requests"])
def test_an_interrupted_connection_is_resumed(
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


def test_a_hanging_connection_is_replaced(
    server: HubServer, model: KnownModel, tmp_path: Path
) -> None:
    server.hangs[WEIGHTS] = [70_000]
    assert_whole(download(model, tmp_path, hub=Hub(endpoint=server.url, pause=0.0, timeout=0.5)))
    assert server.fetched(WEIGHTS) == [None, "bytes=70000-"]


def test_the_next_run_resumes_a_stopped_download(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.cuts[WEIGHTS] = [50_000, 0, 0, 0, 0, 0]
    with pytest.raises(DownloadError, match="run again to resume"):
        download(model, tmp_path, hub=hub)
    (kept,) = partial(tmp_path)
    assert 0 < kept <= 50_000
    server.cuts.clear()
    assert_whole(download(model, tmp_path, hub=hub))
    assert server.fetched(WEIGHTS)[-1] == f"bytes={kept}-"


def test_a_server_without_ranges_sends_the_whole_file_again(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.honours_ranges = False
    server.cuts[WEIGHTS] = [50_000]
    assert_whole(download(model, tmp_path, hub=hub))


def test_a_new_version_is_not_appended_to_an_old_one(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.cuts[WEIGHTS] = [50_000, 0, 0, 0, 0, 0]
    with pytest.raises(DownloadError):
        download(model, tmp_path, hub=hub)
    server.cuts.clear()
    server.files[WEIGHTS] = newer = CONTENT[:16] + CONTENT[:15:-1]
    folder = download(model, tmp_path, hub=hub)
    assert (folder / WEIGHTS).read_bytes() == newer
    assert partial(folder) == []


@pytest.mark.parametrize(("name", "digits"), [(WEIGHTS, 64), ("config.json", 40)])
def test_a_file_with_a_wrong_checksum_is_deleted(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path, name: str, digits: int
) -> None:
    server.etags[name] = "0" * digits
    with pytest.raises(DownloadError, match=f"{name} is damaged .* run again"):
        download(model, tmp_path, hub=hub)
    assert not (tmp_path / model.name / name).exists()
    assert partial(tmp_path) == []


def test_a_partial_file_that_is_too_long_is_deleted(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    staging = tmp_path / model.name / STAGING
    staging.mkdir(parents=True)
    (staging / f"{WEIGHTS}.{server.etag(WEIGHTS)[:16]}.part").write_bytes(CONTENT + b"more")
    with pytest.raises(DownloadError, match=r"is damaged .200004 of 200000 bytes"):
        download(model, tmp_path, hub=hub)
    assert_whole(download(model, tmp_path, hub=hub))


class Cancelled(BaseException):
    """Raised by the host to cancel."""


def test_a_cancelled_download_is_resumed_by_the_next_run(
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


def test_two_downloads_at_once_fetch_each_file_once(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    server.seconds = 0.005
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(download, model, tmp_path, None, hub) for _ in range(2)]
        folders = {run.result() for run in runs}
    (folder,) = folders
    assert_whole(folder)
    assert server.fetched(WEIGHTS) == [None]


def test_waiting_for_another_download_can_be_cancelled(
    server: HubServer, hub: Hub, model: KnownModel, tmp_path: Path
) -> None:
    """The second starts during the first one's download, and its wait is cancelled."""
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
