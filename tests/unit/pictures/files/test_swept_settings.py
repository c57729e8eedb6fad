"""Settings of the pictures of a sweep, and sizes that later nodes changed."""

from __future__ import annotations

import copy
import csv
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from tests.unit.pictures.files.foreign_readers import read_a1111_settings
from tests.unit.pictures.files.test_generation_settings import CORE, core_graph, node
from tipo_core.pictures.files.generation_settings import (
    GenerationSettings,
    read_generated_size,
    read_generation_settings,
)
from tipo_core.pictures.files.graph_links import Graph
from tipo_core.pictures.files.infotext import infotext
from tipo_core.pictures.files.swept_values import unconnected_parameters
from tipo_core.pictures.files.used_files import read_used_files
from tipo_core.pictures.files.way_back import graph_of_picture
from tipo_core.pictures.sampling.sweep import sweep_of

CHOICES = {"sampler_name": ["euler", "dpmpp_2m"], "scheduler": ["normal", "karras"]}


def sweep_graph(**changes: Any) -> dict[str, Any]:
    """Text to image, with all values of the sampler from a sweep."""
    inputs: dict[str, Any] = {
        "seed": 7,
        "steps": 20,
        "cfg": 6.5,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "denoise": 1.0,
        "clip_skip": 0,
        "columns": "cfg",
        "column_values": "4:6:2",
        "rows": "steps",
        "row_values": "8, 12, 16",
    }
    graph = core_graph() | {"sweep": node("TipoSweep", **inputs | changes)}
    slots = ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise")
    graph["sample"]["inputs"] |= {name: ["sweep", i] for i, name in enumerate(slots)}
    return graph


def read(graph: dict[str, Any], list_index: int | None) -> GenerationSettings:
    return read_generation_settings(Graph(graph, list_index, CHOICES), "save")


def read_grid(graph: dict[str, Any]) -> GenerationSettings:
    whole = Graph(graph, 0, CHOICES)
    of_grid = graph_of_picture(whole, "save", lambda class_type: class_type == "TipoGrid")
    return read_generation_settings(of_grid, "save")


def test_each_picture_of_a_sweep_has_its_own_settings() -> None:
    cells = list(product((8, 12, 16), (4.0, 6.0)))  # row by row, as ComfyUI runs them
    for place, (steps, cfg) in enumerate(cells):
        assert read(sweep_graph(), place) == replace(CORE, steps=steps, cfg=cfg)
    # ComfyUI repeats the last value of a shorter list.
    assert read(sweep_graph(), 99) == replace(CORE, steps=16, cfg=6.0)


def test_other_parameters_of_a_sweep_are_read() -> None:
    graph = sweep_graph(
        columns="sampler_name", column_values="euler, dpmpp_2m", rows="seed", row_values="1:2"
    )
    names = [(read(graph, place).sampler, read(graph, place).seed) for place in range(4)]
    assert names == [("euler", 1), ("dpmpp_2m", 1), ("euler", 2), ("dpmpp_2m", 2)]
    graph = sweep_graph(columns="none", rows="denoise", row_values="0, 0.5")
    assert [read(graph, place).denoise for place in range(2)] == [0.0, 0.5]
    # The encoder's clip skip too.
    graph = sweep_graph(columns="clip_skip", column_values="1:2", rows="none")
    graph["skip"]["inputs"]["stop_at_clip_layer"] = -1
    graph["good"]["class_type"] = "TipoClipSkipEncode"
    graph["good"]["inputs"]["clip_skip"] = ["sweep", 6]
    assert [read(graph, place).clip_skip for place in range(2)] == [1, 2]


def test_sampler_of_a_sweep_may_set_the_scheduler() -> None:
    graph = sweep_graph(columns="sampler_name", column_values="Euler, DPM++ 2M Karras", rows="none")
    graph["sweep"]["inputs"]["scheduler"] = "normal"
    names = [(read(graph, place).sampler, read(graph, place).scheduler) for place in range(2)]
    assert names == [("euler", "normal"), ("dpmpp_2m", "karras")]
    graph["sweep"]["inputs"]["scheduler"] = ["other", 0]
    assert [read(graph, place).scheduler for place in range(2)] == [None, "karras"]


def test_prompts_of_a_sweep_are_read() -> None:
    texts = {"text": "a cat", "negative_text": "bad cat"}
    graph = sweep_graph(columns="prompt S/R", column_values="cat, dog", rows="none", **texts)
    graph["good"]["inputs"]["text"] = ["sweep", 10]
    graph["bad"]["inputs"]["text"] = ["sweep", 11]
    found = [(read(graph, place).positive, read(graph, place).negative) for place in range(2)]
    assert found == [("a cat", "bad cat"), ("a dog", "bad dog")]
    graph["sweep"]["inputs"]["text"] = ["expand", 0]
    assert read(graph, 1).positive is None
    # With the tags that a node applied, as A1111 writes a prompt.
    graph["good"]["inputs"]["text"] = ["loras", 2]
    graph["loras"] = node("TipoLoraPrompt", model=["load", 0], text="<lora:a:1>, cat")
    assert read(graph, 0).positive == "<lora:a:1>, cat"


def test_files_of_a_sweep_are_read() -> None:
    files = {"checkpoint": ["a/one.safetensors", "two.safetensors"], "vae": ["v.pt"]}
    graph = sweep_graph(
        columns="checkpoint", column_values="one, two", rows="vae", row_values="Automatic, v"
    )
    graph["models"] = node("TipoSweepModels", sweep=["sweep", 7])
    graph["lora"]["inputs"] |= {"model": ["models", 0], "clip": ["models", 1]}
    graph["lora"]["inputs"] |= {"lora_name": "l.safetensors", "strength_model": ["sweep", 9]}
    graph["sweep"]["inputs"]["lora_strength"] = 0.0
    graph["decode"]["inputs"]["vae"] = ["models", 2]

    def read_files(place: int | None) -> tuple[str | None, str | None, list[str]]:
        choices = CHOICES | files
        found = read_generation_settings(Graph(graph, place, choices), "save")
        used = read_used_files(Graph(graph, place, choices), "save", [])
        return found.model, found.vae, [one.name for one in used]

    assert [read_files(place) for place in range(4)] == [
        ("one", None, ["a/one.safetensors"]),
        ("two", None, ["two.safetensors"]),
        ("one", "v.pt", ["a/one.safetensors", "v.pt"]),
        ("two", "v.pt", ["two.safetensors", "v.pt"]),
    ]
    assert read_files(None) == (None, None, [])
    graph["sweep"]["inputs"] |= {"columns": "lora_strength", "column_values": "0, 0.5"}
    graph["models"]["inputs"] |= {"model": ["load", 0], "vae": ["vae", 0]}
    assert read_files(0) == (
        CORE.model,
        CORE.vae,
        ["sd15/anime v3.5.safetensors", "sd15\\mse.safetensors"],
    )
    assert read_files(1)[2][2:] == ["l.safetensors"]


def test_base_values_may_come_from_primitives() -> None:
    graph = sweep_graph(seed=["number", 0]) | {"number": node("PrimitiveInt", value=42)}
    assert read(graph, 0).seed == 42
    graph["number"] = node("OtherPack", value=42)
    assert (read(graph, 0).seed, read(graph, 0).steps) == (None, 8)


def test_a_sampler_of_a1111_sets_the_scheduler_of_its_pictures() -> None:
    graph = sweep_graph(columns="sampler_name", column_values="Euler, DPM++ 2M Normal", rows="none")
    found = [read(graph, place) for place in range(2)]
    assert [(one.sampler, one.scheduler) for one in found] == [
        ("euler", "karras"),
        ("dpmpp_2m", "normal"),
    ]


def test_prompts_of_prompt_sr_are_read() -> None:
    graph = sweep_graph(
        columns="prompt S/R",
        column_values="cat, <lora:x:0.5> dog",
        rows="none",
        text="a cat",
        negative_text="no cat",
    )
    graph["good"]["inputs"]["text"] = ["sweep", 10]
    graph["bad"]["inputs"]["text"] = ["tags", 2]
    graph["tags"] = node("TipoLoraPrompt", text=["sweep", 11], model=["load", 0])
    found = [read(graph, place) for place in range(2)]
    assert [(one.positive, one.negative) for one in found] == [
        ("a cat", "no cat"),
        ("a <lora:x:0.5> dog", "no <lora:x:0.5> dog"),
    ]
    assert read(graph, None).positive is None
    graph["sweep"]["inputs"]["text"] = ["unknown", 0]
    assert read(graph, 0).positive is None
    # Without Prompt S/R the text is that of all pictures.
    graph = sweep_graph(text="a cat")
    graph["good"]["inputs"]["text"] = ["sweep", 10]
    assert read(graph, None).positive == "a cat"


@pytest.mark.parametrize(
    "choices", [{}, {"checkpoint": ["sd15/one.safetensors", "sd15/two.safetensors"]}]
)
def test_checkpoints_and_vaes_of_a_sweep_are_read(choices: dict[str, list[str]]) -> None:
    graph = sweep_graph(
        columns="checkpoint", column_values="one, two", rows="vae", row_values="mse, Automatic"
    )
    graph["models"] = node("TipoSweepModels", sweep=["sweep", 7])
    graph["lora"]["inputs"]["model"] = ["models", 0]
    graph["decode"]["inputs"]["vae"] = ["models", 2]
    found = [
        read_generation_settings(Graph(graph, place, CHOICES | choices), "save")
        for place in range(4)
    ]
    assert [(one.model, one.vae) for one in found] == [
        ("one", "mse"),
        ("two", "mse"),
        ("one", None),
        ("two", None),
    ]
    assert [one.steps for one in found] == [20] * 4


def test_grid_has_only_the_settings_that_all_its_pictures_share() -> None:
    graph = sweep_graph()
    graph["grid"] = node("TipoGrid", images=["decode", 0], sweep=["sweep", 7])
    graph["save"]["inputs"]["images"] = ["grid", 0]
    both = (("cfg", ("4", "6")), ("steps", ("8", "12", "16")))
    found = read_grid(graph)
    # Readers need the steps: those of the first cell, as in A1111's grids.
    assert found == replace(CORE, steps=8, cfg=None, axes=both)
    graph["sweep"]["inputs"]["row_values"] = ["gone", 0]
    found = read_grid(graph)
    assert (found.steps, found.axes) == (None, None)
    assert "Steps" not in infotext(found, "", (512, 512), "ComfyUI")
    # A grid over cfg alone has steps, a seed and a size, which is not that of the grid.
    graph["sweep"]["inputs"]["rows"] = "none"
    found = read_grid(graph)
    assert found == replace(CORE, cfg=None, axes=(both[0], None))
    assert read_generated_size(Graph(graph), "save", (1100, 640)) == (512, 512)


def test_axes_of_a_grid_are_written_as_those_of_a1111() -> None:
    """`xyz_grid.py` adds these entries to the settings of its grid."""
    graph = sweep_graph(rows="none")
    graph["grid"] = node("TipoGrid", images=["decode", 0], sweep=["sweep", 7])
    graph["save"]["inputs"]["images"] = ["small", 0]
    graph["small"] = node("ImageScaleBy", image=["grid", 0])
    found = read_a1111_settings(infotext(read_grid(graph), "", None, "ComfyUI"))
    assert found["Script"] == "X/Y/Z plot"
    assert (found["X Type"], found["X Values"]) == ("CFG Scale", "4, 6")
    assert "Y Type" not in found and list(found)[-1] == "Version"
    inputs = graph["sweep"]["inputs"]
    inputs |= {"columns": "prompt S/R", "column_values": 'cat, "dog, big", "say ""x"""'}
    inputs |= {"rows": "sampler_name", "row_values": "Euler a, DPM++ 2M Karras"}
    choices = {"sampler_name": ["euler_ancestral", "dpmpp_2m"], "scheduler": ["karras"]}
    whole = graph_of_picture(Graph(graph, 0, choices), "save", lambda name: name == "TipoGrid")
    text = infotext(read_generation_settings(whole, "save"), "", None, "ComfyUI")
    found = read_a1111_settings(text)
    assert found["X Type"] == "Prompt S/R"
    # A1111 reads the list of texts as CSV.
    (texts,) = csv.reader([found["X Values"]], skipinitialspace=True)
    assert texts == ["cat", "dog, big", 'say "x"']
    assert (found["Y Type"], found["Y Values"]) == ("Sampler", "Euler a, DPM++ 2M Karras")
    # A picture that is no grid has none.
    graph["save"]["inputs"]["images"] = ["decode", 0]
    assert read(graph, 0).axes is None


def test_outputs_of_changed_parameters_must_be_connected() -> None:
    """Else the labels of a grid name differences that the pictures do not have."""
    sweep, _ = sweep_of(
        {"cfg": 7.0, "sampler_name": "euler", "scheduler": "normal"},
        "sampler_name",
        "euler, dpmpp_2m karras",
        "cfg",
        "4, 6",
        CHOICES,
    )
    graph = sweep_graph()
    graph["grid"] = node("TipoGrid", images=["decode", 0], sweep=["sweep", 7])
    assert unconnected_parameters(sweep, Graph(graph).is_linked, "sweep") == []
    graph["sample"]["inputs"] |= {"cfg": 7.0, "scheduler": "normal"}
    assert unconnected_parameters(sweep, Graph(graph).is_linked, "sweep") == ["scheduler", "cfg"]
    texts, _ = sweep_of({}, "prompt S/R", "a, b", "checkpoint", "c", CHOICES)
    assert unconnected_parameters(texts, Graph(graph).is_linked, "sweep") == [
        "prompt S/R",
        "checkpoint",
    ]
    graph["good"]["inputs"]["text"] = ["sweep", 11]
    graph["models"] = node("TipoSweepModels", sweep=["sweep", 7])
    assert unconnected_parameters(texts, Graph(graph).is_linked, "sweep") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"column_values": "x"},
        {"columns": "rows"},
        {"columns": 3},
        {"rows": "cfg"},
        {"row_values": ["gone", 0]},
        {"row_values": None},
        {"row_values": "1:9999"},
    ],
)
def test_sweep_that_cannot_be_read_has_no_values(changes: dict[str, Any]) -> None:
    found = read(sweep_graph(**changes), 0)
    assert (found.steps, found.cfg) in ((None, None), (None, 4.0))
    circle = sweep_graph(seed=["sweep", 0], columns=["round", 0])
    circle["round"] = node("PrimitiveString", value=["sweep", 3])
    assert read(circle, 0).seed is None


SIZES: list[tuple[dict[str, Any], tuple[int, int] | None]] = [
    ({}, (1100, 640)),
    ({"up": node("ImageScale", image=["decode", 0], width=1100, height=640)}, (512, 512)),
    ({"up": node("LatentUpscale", samples=["sample", 0], width=1100)}, (512, 512)),
    ({"up": node("ImagePadForOutpaint", image=["decode", 0]), "empty": node("Other")}, None),
    (
        {
            "up": node("ImageScaleBy", image=["decode", 0]),
            "empty": node("RepeatLatentBatch", samples=["first", 0]),
            "first": node("EmptySD3LatentImage", width=768, height=["side", 0]),
            "side": node("PrimitiveInt", value=640),
        },
        (768, 640),
    ),
    (
        {
            "up": node("ImageScaleBy", image=["decode", 0]),
            "empty": node("LatentUpscaleBy", samples=["first", 0], scale_by=2),
            "first": node("EmptyLatentImage", width=512, height=512),
        },
        None,
    ),
]


@pytest.mark.parametrize(("nodes", "size"), SIZES)
def test_size_is_the_one_that_was_generated(
    nodes: dict[str, Any], size: tuple[int, int] | None
) -> None:
    graph = copy.deepcopy(core_graph() | nodes)
    if "samples" in nodes.get("up", {}).get("inputs", {}):
        graph["decode"]["inputs"]["samples"] = ["up", 0]
    elif nodes:
        graph["save"]["inputs"]["images"] = ["up", 0]
    assert read_generated_size(Graph(graph), "save", (1100, 640)) == size


def test_settings_of_the_sampler_come_before_those_of_the_graph() -> None:
    ran = GenerationSettings(steps=9, cfg=0.0, seed=0, denoise=0.0)
    expected = replace(CORE, steps=9, cfg=0.0, seed=0, denoise=0.0)
    assert CORE.updated(ran) == expected
    text = infotext(expected, "", None, "ComfyUI")
    assert "Steps: 9, " in text and "Seed: 0, " in text and "CFG scale: 0, " in text
    assert "Denoising strength: 0, " in text and "Size" not in text
