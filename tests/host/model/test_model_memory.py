"""The language model under ComfyUI's memory manager, in a real server."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import save_file

from devkit.server.graph_settings import the_node
from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph, Outcome, RunInterrupted
from devkit.setup.base_folder import prepare_base
from devkit.setup.host import Host, has_cuda
from devkit.setup.layout import this_checkout
from tests.host.graphs import inputs_of, text_only, texts

LIMIT = 240.0
NANO_FILES = this_checkout().root / "tipo_core" / "assets" / "tipo-nano"
COPY = "copy-of-nano"
LARGE = "large"
# Wide rather than deep: a C library may keep the room of tensors below 32 MB for itself.
LARGE_HIDDEN = 256
LARGE_INTERMEDIATE = 40_960
LARGE_BYTES = 3 * LARGE_HIDDEN * LARGE_INTERMEDIATE * 4


@pytest.fixture(scope="module")
def memory_server(
    start_server: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with the probe, a copy of the small model, and a model of noticeable size."""
    base = tmp_path_factory.mktemp("base")
    prepare_base(base, this_checkout().root)
    probe = base / "custom_nodes" / "tipo-probe"
    probe.mkdir()
    shutil.copy(Path(__file__).with_name("probe_pack.py"), probe / "__init__.py")
    shutil.copytree(NANO_FILES, base / "models" / "tipo" / COPY)
    make_large_model(base / "models" / "tipo" / LARGE)
    server = start_server(base=base)
    yield server
    server.stop()


@pytest.fixture
def probed(memory_server: Server) -> Iterator[Client]:
    """A client of that server."""
    with Client(memory_server.url) as connected:
        yield connected


def make_large_model(folder: Path) -> None:
    """Write a model with the small one's tokenizer whose weights take LARGE_BYTES in fp32."""
    folder.mkdir()
    shutil.copy(NANO_FILES / "tokenizer.json", folder)
    config = json.loads((NANO_FILES / "config.json").read_text("utf-8"))
    config |= {
        "hidden_size": LARGE_HIDDEN,
        "intermediate_size": LARGE_INTERMEDIATE,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "head_dim": LARGE_HIDDEN // 4,
        "tie_word_embeddings": True,
    }
    (folder / "config.json").write_text(json.dumps(config))
    hidden, wide = LARGE_HIDDEN, LARGE_INTERMEDIATE
    shapes = {
        "model.embed_tokens": (config["vocab_size"], hidden),
        "model.norm": (hidden,),
        "model.layers.0.input_layernorm": (hidden,),
        "model.layers.0.post_attention_layernorm": (hidden,),
        "model.layers.0.mlp.gate_proj": (wide, hidden),
        "model.layers.0.mlp.up_proj": (wide, hidden),
        "model.layers.0.mlp.down_proj": (hidden, wide),
        **{f"model.layers.0.self_attn.{name}_proj": (hidden, hidden) for name in "qkvo"},
    }
    # In half precision, so that fp32 is made in memory and not a view of the file.
    tensors = {f"{name}.weight": torch.full(shape, 0.01).half() for name, shape in shapes.items()}
    save_file(tensors, folder / "model.safetensors")


def probing(graph: Graph, act: str = "look", **expand: Any) -> Graph:
    """The text part of a graph, followed by the probe."""
    probed = text_only(graph, **expand)
    model, text = (the_node(probed, kind) for kind in ("TipoLoadModel", "TipoExpand"))
    probed["probe"] = {
        "class_type": "TipoProbe",
        "inputs": {"act": act, "model": [model, 0], "after": [text, 0]},
    }
    return probed


def loading(graph: Graph, model: str, precision: str, act: str) -> Graph:
    """A graph that loads a model and does one thing with it."""
    node = the_node(graph, "TipoLoadModel")
    inputs_of(graph, "TipoLoadModel").update(model=model, precision=precision)
    probe = {"class_type": "TipoProbe", "inputs": {"act": act, "model": [node, 0]}}
    return {node: graph[node], "probe": probe}


def state_of(outcome: Outcome) -> dict[str, Any]:
    """Return the probe's state."""
    state: dict[str, Any] = outcome.outputs["probe"]["state"][0]
    return state


def ran(graph: Graph, outcome: Outcome, class_type: str) -> bool:
    """Return whether a node ran, and its result did not come from the cache."""
    return the_node(graph, class_type) in outcome.seconds


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait, at most a minute."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_a_loaded_model_is_in_comfyuis_own_figures(probed: Client, graph: Graph) -> None:
    (ours,) = [
        one for one in state_of(probed.run(probing(graph), timeout=LIMIT))["loaded"] if one["ours"]
    ]
    assert ours["loaded_size"] == ours["model_size"] > 1_000_000


def test_a_model_is_loaded_once_for_each_precision(
    probed: Client, graph: Graph, host: Host
) -> None:
    inputs_of(graph, "TipoLoadModel").update(model=COPY, precision="fp32")
    first = probing(graph, seed=1)
    one, two = probed.queue(first), probed.queue(probing(graph, seed=2))
    states = [state_of(probed.follow(run, timeout=LIMIT)) for run in (one, two)]
    assert states[0]["model"] == states[1]["model"]
    again = probed.run(probing(graph, seed=3), timeout=LIMIT)
    assert not ran(first, again, "TipoLoadModel")

    inputs_of(graph, "TipoLoadModel")["precision"] = "bf16"
    other = probed.run(probing(graph, seed=3), timeout=LIMIT)
    assert ran(first, other, "TipoLoadModel")
    (ours,) = [one for one in state_of(other)["loaded"] if one["ours"]]
    # DynamicVRAM loads norms alone before they are needed.
    is_whole = ours["loaded_size"] == ours["model_size"]
    assert ours["loaded_size"] > 0 and is_whole != host.has_dynamic_vram


def test_unload_models_gives_the_memory_back(
    probed: Client, memory_server: Server, graph: Graph
) -> None:
    assert memory_server.pid is not None
    process = psutil.Process(memory_server.pid)
    look: Graph = {"probe": {"class_type": "TipoProbe", "inputs": {"act": "look"}}}
    probed.run(probing(graph), timeout=LIMIT)
    probed.free()
    # The server frees between two runs: after one more run it has done so.
    assert state_of(probed.run(look, timeout=LIMIT))["alive"] == 0
    before = process.memory_full_info().uss
    state = state_of(probed.run(loading(graph, LARGE, "fp32", "load"), timeout=LIMIT))
    (ours,) = [one for one in state["loaded"] if one["ours"]]
    assert ours["model_size"] >= LARGE_BYTES
    held = process.memory_full_info().uss
    assert held - before > 0.8 * LARGE_BYTES

    probed.free()
    state = state_of(probed.run(look, timeout=LIMIT))
    assert state["loaded"] == [] and state["alive"] == 0
    wait_until(lambda: process.memory_full_info().uss < held - 0.8 * LARGE_BYTES)


def test_an_evicted_model_comes_back_without_its_files(
    probed: Client, memory_server: Server, graph: Graph
) -> None:
    inputs_of(graph, "TipoLoadModel").update(model=COPY, precision="fp32")
    first = probing(graph, seed=21)
    whole = probed.run(first, timeout=LIMIT)
    evicted = probed.run(probing(graph, act="evict", seed=21), timeout=LIMIT)
    assert not [one for one in state_of(evicted)["loaded"] if one["ours"]]

    # Other bytes under the same name, size and time: whoever reads the file now gets no model.
    weights = memory_server.base / "models" / "tipo" / COPY / "model.safetensors"
    stat = weights.stat()
    garbage = weights.with_name("garbage")
    garbage.write_bytes(bytes(stat.st_size))
    os.utime(garbage, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    os.replace(garbage, weights)
    try:
        probed.run(probing(graph, seed=22), timeout=LIMIT)
        again = probed.run(probing(graph, seed=21), timeout=LIMIT)
    finally:
        shutil.copy(NANO_FILES / "model.safetensors", weights)
    assert not ran(first, again, "TipoLoadModel")
    assert [one for one in state_of(again)["loaded"] if one["ours"]]
    assert state_of(again)["model"] == state_of(whole)["model"]
    assert texts(first, again)[0]["prompt"] == texts(first, whole)[0]["prompt"]


def test_the_run_after_a_cancel_is_an_undisturbed_one(probed: Client, graph: Graph) -> None:
    long = {"tag_length": "very_long", "caption_length": "very_long", "variants": 2}
    expected = texts(graph, probed.run(text_only(graph, seed=31, **long), timeout=LIMIT))
    probed.run(text_only(graph, seed=32), timeout=LIMIT)
    small = text_only(graph, seed=31, **long)
    node = the_node(small, "TipoExpand")
    cancelled: list[int] = []

    def cancel(kind: str, data: dict[str, Any]) -> None:
        if kind == "progress" and data["node"] == node and data["value"] >= 2 and not cancelled:
            cancelled.append(data["value"])
            probed.interrupt()

    with pytest.raises(RunInterrupted):
        probed.run(small, on_message=cancel, timeout=LIMIT)
    again = texts(small, probed.run(small, timeout=LIMIT))
    assert [text["prompt"] for text in again] == [text["prompt"] for text in expected]


class FlaggedServer(Server):
    """A server that is started with one more argument."""

    flag = ""

    def command(self) -> list[str]:
        return [*super().command(), self.flag]


@pytest.mark.parametrize("flag", ["--lowvram", "--novram"])
def test_a_start_flag_changes_no_text(
    probed: Client, host: Host, tmp_path: Path, graph: Graph, flag: str
) -> None:
    """ComfyUI refuses these flags with --cpu; test_hosted_model.py streams without a device."""
    if not has_cuda(host.python):
        pytest.skip("ComfyUI starts with this flag on an accelerator only")
    small = text_only(graph, seed=41)
    expected = texts(small, probed.run(small, timeout=LIMIT))
    prepare_base(tmp_path, this_checkout().root)
    flagged = FlaggedServer(host, tmp_path, tmp_path / "logs")
    flagged.flag = flag
    with flagged, Client(flagged.url) as client:
        found = texts(small, client.run(small, timeout=LIMIT))
    assert found[0]["prompt"] == expected[0]["prompt"]


def test_the_menu_says_what_is_there(probed: Client) -> None:
    """Its values are plain names, which workflows save; web/models.js shows the labels."""
    menu = probed.object_info()["TipoLoadModel"]["input"]["required"]["model"][1]
    assert menu["options"] == list(menu["labels"])
    assert menu["options"][:3] == ["tipo-nano", COPY, LARGE]
    assert "downloads when it runs" in menu["labels"]["TIPO-500M"]


def test_the_node_shows_its_report(probed: Client, graph: Graph) -> None:
    inputs_of(graph, "TipoLoadModel").update(model=COPY, precision="fp16")
    outcome = probed.run(probing(graph), timeout=LIMIT)
    (report,) = outcome.outputs[the_node(graph, "TipoLoadModel")]["text"]
    assert report.startswith(f"{COPY}: ") and "TIPO-500M (2.03 GB" in report
