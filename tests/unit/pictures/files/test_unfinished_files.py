"""Temporary files that a crash left, and the order of writing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tipo_core.pictures.files.image_file import write_whole
from tipo_core.pictures.files.unfinished_files import remove_leftovers, unfinished_name

CRASH = """
import os, sys
from pathlib import Path
from tipo_core.pictures.files import image_file
os.replace = lambda *paths: os._exit(9)
image_file.write_whole(Path(sys.argv[1]), b"content")
"""


def no_process(process: int) -> float | None:
    return None


def test_file_of_a_crash_is_removed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(tmp_path / "a_00001_.png")], check=False
    )
    assert done.returncode == 9
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".") and left.suffix == ".tmp"
    assert remove_leftovers(tmp_path, os.getpid(), no_process) == [left.name]
    assert not list(tmp_path.iterdir())


def test_files_of_earlier_versions_and_of_this_process_are_removed(tmp_path: Path) -> None:
    old = [f".a b_00001_.{ending}.4711.tmp" for ending in ("png", "webp", "jpg", "avif")]
    for name in (*old, unfinished_name(os.getpid())):
        (tmp_path / name).write_bytes(b"half")
    others = [".hidden", "a.tmp", ".x.4711.tmp", "a_00001_.png", ".a_00001_.png.tmp"]
    for name in others:
        (tmp_path / name).write_bytes(b"theirs")
    (tmp_path / unfinished_name(12)).mkdir()
    assert len(remove_leftovers(tmp_path, os.getpid(), no_process)) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*others, unfinished_name(12)]
    )


def test_file_that_another_process_writes_is_kept(tmp_path: Path) -> None:
    path = tmp_path / unfinished_name(4711)
    path.write_bytes(b"half")
    now = time.time()
    assert not remove_leftovers(tmp_path, os.getpid(), lambda process: now - 60)
    # The number belongs to a process that started later: the writer is gone.
    assert remove_leftovers(tmp_path, os.getpid(), lambda process: now + 60) == [path.name]


def test_file_of_another_machine_is_kept_for_a_day(tmp_path: Path) -> None:
    path = tmp_path / f".tipo-00000000-{os.getpid()}-1.tmp"
    path.write_bytes(b"half")
    assert not remove_leftovers(tmp_path, os.getpid(), no_process)
    old = time.time() - 25 * 3600
    os.utime(path, (old, old))
    assert remove_leftovers(tmp_path, os.getpid(), no_process) == [path.name]


def test_missing_folder_has_no_leftovers(tmp_path: Path) -> None:
    assert remove_leftovers(tmp_path / "gone", os.getpid(), no_process) == []


def test_content_is_on_the_disk_before_the_file_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    fsync, replace = os.fsync, os.replace

    def flushed(number: int) -> None:
        assert os.fstat(number).st_size == 7
        steps.append("fsync")
        fsync(number)

    def renamed(old: Path, new: Path) -> None:
        steps.append("rename")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    write_whole(tmp_path / "a.png", b"content")
    assert steps == ["fsync", "rename"]


def test_name_of_the_longest_length_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".png")
    write_whole(path, b"content")
    assert path.read_bytes() == b"content"
    with pytest.raises(
        OSError, match=r"longer than the file system allows.*shorten filename_prefix"
    ):
        write_whole(tmp_path / ("x" * 252 + ".png"), b"content")
    assert len(list(tmp_path.iterdir())) == 1
