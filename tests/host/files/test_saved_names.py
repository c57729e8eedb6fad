"""Names of saved files in the real host: values of the graph, refused characters, leftovers."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from devkit.server.server import Server
from devkit.server.websocket_client import Client, RunFailed
from tests.host.files.test_saved_settings import saved_files
from tests.host.picture_graphs import SECONDS
from tests.host.report_lines import line_with
from tests.host.sweep.test_sweep_nodes import SweepBuilder

WORKFLOW: dict[str, Any] = {"nodes": [], "links": [], "version": 0.4}


def saving(prefix: str, batch_size: int = 1, color: int = 1) -> tuple[SweepBuilder, str]:
    build = SweepBuilder()
    images = [build.add("EmptyImage", width=64, height=64, batch_size=batch_size, color=color), 0]
    inputs = {"filename_prefix": prefix, "format": "png", "quality": 90}
    return build, build.add("TipoSaveImage", images=images, **inputs)


def names_of(server: Server, client: Client, prefix: str, workflow: Any = None) -> list[str]:
    build, node = saving(prefix)
    outcome = client.run(build.graph, workflow=workflow, timeout=SECONDS)
    return [
        path.relative_to(server.base / "output").as_posix()
        for path in saved_files(server, outcome, node)
    ]


def test_values_and_dates_are_filled_in_without_a_page(server: Server, client: Client) -> None:
    before = datetime.now()
    (name,) = names_of(server, client, "names/%date:yyyy-MM-dd%/w%EmptyImage.width%_%width%")
    days = {f"{day:%Y-%m-%d}" for day in (before, datetime.now())}
    assert name in {f"names/{day}/w64_64_00001_.png" for day in days}
    graph = saving("")[0].graph
    (blank,) = (key for key, node in graph.items() if node["class_type"] == "EmptyImage")
    workflow = WORKFLOW | {"nodes": [{"id": int(blank), "type": "EmptyImage", "title": "Blank"}]}
    assert names_of(server, client, "names/%Blank.height%", workflow) == ["names/64_00001_.png"]


def test_pattern_without_a_value_stays_and_is_reported(server: Server, client: Client) -> None:
    build, node = saving("names/%Gone.seed%")
    outcome = client.run(build.graph, timeout=SECONDS)
    (path,) = saved_files(server, outcome, node)
    assert path.name == "%Gone.seed%_00001_.png"
    report = outcome.outputs[node]["text"][0].splitlines()
    assert line_with(report[1:], "not found in the graph: %Gone.seed%")


def test_each_picture_of_a_sweep_is_named_by_its_values(server: Server, client: Client) -> None:
    build = SweepBuilder()
    sweep = build.sweep(columns="cfg", column_values="4, 6.5")
    images = build.runs("KSampler", sweep, build.core_encode())
    inputs = {
        "filename_prefix": "names/cfg %KSampler.cfg% %TipoSweep.cfg%",
        "format": "png",
        "quality": 90,
    }
    node = build.add("TipoSaveImage", images=images, **inputs)
    outcome = client.run(build.graph, timeout=SECONDS)
    names = [path.name for path in saved_files(server, outcome, node)]
    assert names == ["cfg 4 4_00001_.png", "cfg 6.5 6.5_00001_.png"]


def test_refused_characters_are_replaced(server: Server, client: Client) -> None:
    (name,) = names_of(server, client, 'names/a:b*c?"d<e>f|g\nh')
    assert name == "names/a_b_c__d_e_f_g_h_00001_.png"


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("names/a\0b", "has a NUL character: write a name such as"),
        ("names/" + "x" * 250, r"has \d+ bytes, and a file system takes 255: shorten"),
        ("names/" + "\u732b" * 90, r"has \d+ bytes, and a file system takes 255: shorten"),
        ("y" * 256 + "/a", "longer than the file system allows.*shorten filename_prefix"),
    ],
)
def test_name_that_cannot_be_is_one_clear_error(client: Client, prefix: str, words: str) -> None:
    build, _ = saving(prefix)
    with pytest.raises(RunFailed, match=words):
        client.run(build.graph, timeout=SECONDS)


def test_long_name_is_written(server: Server, client: Client) -> None:
    (name,) = names_of(server, client, "names/" + "x" * 244)
    assert len(Path(name).name) == 255


def test_leftovers_of_a_crash_are_removed(server: Server, client: Client) -> None:
    folder = server.base / "output" / "leftovers"
    folder.mkdir(parents=True)
    left = folder / ".a_00001_.png.999999999.tmp"
    left.write_bytes(b"half a picture")
    mine = folder / f".a_00002_.png.{os.getpid()}.tmp"  # of a running process: this test
    mine.write_bytes(b"half a picture")
    assert names_of(server, client, "leftovers/a") == ["leftovers/a_00001_.png"]
    assert not left.exists() and mine.exists()


def test_numbers_of_a_batch_never_replace_a_file(server: Server, client: Client) -> None:
    names = []
    for color in (2, 3):
        build, node = saving("batches/b%batch_num%", batch_size=2, color=color)
        outcome = client.run(build.graph, timeout=SECONDS)
        names += [path.name for path in saved_files(server, outcome, node)]
    assert names == ["b0_00001_.png", "b1_00002_.png", "b0_00003_.png", "b1_00004_.png"]
