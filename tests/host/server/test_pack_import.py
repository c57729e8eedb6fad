"""The pack imports without its heavy dependencies; an error comes when a node runs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.graphs import NODE_IDS

SCRIPT = Path(__file__).with_name("hosted_pack_import.py")


@pytest.fixture(scope="module")
def results(
    host: Host, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The results of hosted_pack_import.py."""
    folder = tmp_path_factory.mktemp("import")
    # A clone without its large files.
    cut = folder / "pack"
    left_out = (".*", "tests", "devkit", "docs", "model.safetensors", "__pycache__")
    shutil.copytree(repository, cut, ignore=shutil.ignore_patterns(*left_out))
    command = [str(host.python), str(SCRIPT), str(repository), str(cut)]
    command += [str(host.tree), str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert answer.returncode == 0, answer.stderr[-3000:]
    found: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    return found


@pytest.mark.parametrize("missing", ["import", "no transformers", "no weights", "no tokenizers"])
def test_all_nodes_stay(results: dict[str, Any], missing: str) -> None:
    assert set(results[missing]["nodes"]) == set(NODE_IDS)


def test_import_brings_in_nothing_heavy(results: dict[str, Any]) -> None:
    assert results["import"]["heavy"] == []


def test_import_touches_neither_network_nor_files_outside(results: dict[str, Any]) -> None:
    assert results["import"]["network"] == []
    assert results["import"]["outside"] == []
    assert results["import"]["watched"] > 0, "the watch saw no file at all: it does not work"


def test_without_transformers_everything_works(results: dict[str, Any]) -> None:
    assert "error" not in results["no transformers"]
    assert results["no transformers"]["prompt"].startswith("1girl")


def test_without_tokenizers_the_run_says_what_to_install(results: dict[str, Any]) -> None:
    error = results["no tokenizers"]["error"]
    assert "tokenizers" in error and "install" in error


def test_without_the_weights_the_run_names_the_file(results: dict[str, Any]) -> None:
    error = results["no weights"]["error"]
    assert "model.safetensors" in error and "tipo-nano" in error
