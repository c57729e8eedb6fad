"""The base directory, the link to the pack and the file of model paths."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from devkit.messages import StepError
from devkit.server.server import Server
from devkit.setup.base_folder import link_pack, prepare_base, write_model_paths
from devkit.setup.host import Host, wants_dynamic_vram


def test_base_has_the_pack_in_custom_nodes(tmp_path: Path) -> None:
    pack = tmp_path / "checkout"
    pack.mkdir()
    (pack / "__init__.py").touch()
    for _ in range(2):
        prepare_base(tmp_path / "base", pack)
    assert (tmp_path / "base" / "custom_nodes" / "tipo-suite" / "__init__.py").exists()
    assert (tmp_path / "base" / "models" / "checkpoints").is_dir()


def test_a_link_to_a_moved_checkout_is_renewed(tmp_path: Path) -> None:
    link = tmp_path / "custom_nodes" / "tipo-suite"
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        link_pack(tmp_path / name, link)
    (tmp_path / "old").rmdir()
    assert link.resolve() == (tmp_path / "new").resolve()


def test_a_folder_of_the_users_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "link").mkdir()
    with pytest.raises(StepError, match="move it away"):
        link_pack(tmp_path, tmp_path / "link")


def test_model_paths_are_yaml_whatever_the_folder_is_called(tmp_path: Path) -> None:
    odd = tmp_path / "my models: #1 \\ 'x'"
    path = write_model_paths(tmp_path / "paths.yaml", [odd, tmp_path])
    read = yaml.safe_load(path.read_text("utf-8"))
    assert read["folder_0"]["base_path"] == str(odd)
    assert read["folder_1"]["checkpoints"] == "models/checkpoints"


@pytest.mark.parametrize("named", ["", "0"])
def test_dynamic_vram_is_off_unless_named(tmp_path: Path, named: str) -> None:
    assert not wants_dynamic_vram(tmp_path, {"COMFYUI_DYNAMIC_VRAM": named})


def test_dynamic_vram_needs_a_core_that_has_it(tmp_path: Path) -> None:
    on = {"COMFYUI_DYNAMIC_VRAM": "1"}
    (tmp_path / "comfyui_version.py").write_text('__version__ = "0.3.75"')
    with pytest.raises(StepError, match=r"ComfyUI 0\.3\.75 has no DynamicVRAM"):
        wants_dynamic_vram(tmp_path, on)
    (tmp_path / "comfy").mkdir()
    (tmp_path / "comfy" / "memory_management.py").touch()
    assert wants_dynamic_vram(tmp_path, on)


def test_a_server_on_a_cpu_is_told_to_turn_it_on(tmp_path: Path) -> None:
    host = Host(tmp_path, Path(sys.executable), "0.33.0", True, has_dynamic_vram=True)
    command = Server(host, tmp_path, tmp_path).command()
    # With a card ComfyUI turns it on by itself.
    assert ("--dynamic-vram" in command) == ("--cpu" in command)
    plain = Server(replace(host, has_dynamic_vram=False), tmp_path, tmp_path).command()
    assert "--dynamic-vram" not in plain
