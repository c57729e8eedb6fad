"""Which starts of a file name are refused; core's rule is that of `get_save_image_path`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tipo_core.pictures.files.file_prefix import prefix_problem


@pytest.mark.parametrize(
    "prefix",
    ["TIPO", "a/b", "a//b", "./a", "a/../b", "a..b", "...", "..a/b", "a b", "%date%/x", "\u732b/x"],
)
def test_names_and_subfolders_are_allowed(tmp_path: Path, prefix: str) -> None:
    assert prefix_problem(prefix, tmp_path) is None
    assert prefix_problem(f"{tmp_path}/{prefix}", tmp_path) is None
    assert prefix_problem(prefix, os.path.relpath(tmp_path)) is None


@pytest.mark.parametrize("prefix", ["../x", "a/../../x", "..", "a/../..", "/x", "/etc/x", "../../"])
def test_a_path_out_of_the_output_folder_says_what_to_write(tmp_path: Path, prefix: str) -> None:
    problem = prefix_problem(prefix, tmp_path / "output")
    assert problem and f"filename_prefix {prefix!r} leads out of the output folder" in problem
    assert "write a name such as 'TIPO'" in problem


def test_a_folder_with_the_same_beginning_is_outside(tmp_path: Path) -> None:
    assert prefix_problem(f"{tmp_path}/output2/x", tmp_path / "output")


@pytest.mark.parametrize("folders", [50, 100, 2_000, 100_000])
def test_too_many_folders_are_refused(tmp_path: Path, folders: int) -> None:
    """`os.makedirs` calls itself for each folder, which ends at a depth of about a thousand."""
    deep = "a/" * folders + "x"
    problem = prefix_problem(deep, tmp_path)
    if folders == 50:
        assert problem is None and prefix_problem(f"{tmp_path}/{deep}", tmp_path) is None
    else:
        assert problem and "has more than 50 folders in one another: write a name" in problem
        assert len(problem) < 300


@pytest.mark.parametrize("prefix", ["a\0b", "\0", "a/\0", "x" * 1000 + "\0"])
def test_nul_is_named_and_not_printed(tmp_path: Path, prefix: str) -> None:
    problem = prefix_problem(prefix, tmp_path)
    assert problem and "has a NUL character: write a name" in problem
    assert "\0" not in problem and len(problem) < 300


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    problem = prefix_problem("a file/sub/TIPO", tmp_path)
    assert problem and "a file is a file: write a name" in problem
    assert prefix_problem("a file", tmp_path) is None
    problem = prefix_problem("sub/..", tmp_path)
    assert problem and "has no name" in problem
