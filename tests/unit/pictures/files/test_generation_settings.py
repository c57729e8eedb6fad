from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devkit.setup.layout import this_checkout
from tipo_core.pictures.files.generation_settings import (
    GenerationSettings,
    read_generation_settings,
)
from tipo_core.pictures.files.graph_links import Graph
from tipo_core.pictures.files.infotext import infotext

Nodes = dict[str, Any]


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def core_graph() -> Nodes:
    """Core's text to image, with the nodes that a reader meets on its way."""
    return {
        "load": node("CheckpointLoaderSimple", ckpt_name="sd15/anime v3.5.safetensors"),
        "lora": node("LoraLoader", model=["load", 0], clip=["load", 1], lora_name="x"),
        "skip": node("CLIPSetLastLayer", clip=["lora", 1], stop_at_clip_layer=-2),
        "good": node("CLIPTextEncode", clip=["skip", 0], text="1girl, cat"),
        "bad": node("CLIPTextEncode", clip=["skip", 0], text="lowres"),
        "empty": node("EmptyLatentImage", width=512, height=512, batch_size=1),
        "sample": node(
            "KSampler",
            model=["lora", 0],
            seed=7,
            steps=20,
            cfg=6.5,
            sampler_name="dpmpp_2m",
            scheduler="karras",
            positive=["good", 0],
            negative=["bad", 0],
            latent_image=["empty", 0],
            denoise=1,
        ),
        "vae": node("VAELoader", vae_name="sd15\\mse.safetensors"),
        "decode": node("VAEDecode", samples=["sample", 0], vae=["vae", 0]),
        "save": node("TipoSaveImage", images=["decode", 0]),
    }


CORE = GenerationSettings(
    positive="1girl, cat",
    negative="lowres",
    steps=20,
    sampler="dpmpp_2m",
    scheduler="karras",
    cfg=6.5,
    seed=7,
    model="anime v3.5",
    vae="mse.safetensors",
    denoise=1,
    clip_skip=2,
)


def test_core_graph_is_read_whole() -> None:
    assert read_generation_settings(Graph(core_graph()), "save") == CORE


def test_workflow_of_the_pack_is_read_whole() -> None:
    path = this_checkout().root / "workflows" / "api" / "text-to-image.json"
    found = read_generation_settings(Graph(json.loads(path.read_text("utf-8"))), "10")
    assert found == GenerationSettings(
        positive=None,  # TIPO Expand writes it: it comes with the input `text`
        negative="lowres, worst quality, low quality, bad anatomy, bad hands, jpeg artifacts, "
        "watermark, nsfw",
        steps=20,
        sampler="dpmpp_2m",
        scheduler="karras",
        cfg=7.0,
        seed=1,
        model="toy-sd",
        vae=None,  # the checkpoint's own
        denoise=1.0,
        clip_skip=2,
    )


def test_custom_sampler_is_put_together_from_its_parts() -> None:
    graph = core_graph() | {
        "noise": node("RandomNoise", noise_seed=11),
        "guide": node(
            "CFGGuider", model=["lora", 0], positive=["good", 0], negative=["bad", 0], cfg=3
        ),
        "select": node("KSamplerSelect", sampler_name="euler"),
        "sigmas": node("BasicScheduler", model=["lora", 0], scheduler="beta", steps=8, denoise=0.4),
        "sample": node(
            "SamplerCustomAdvanced",
            noise=["noise", 0],
            guider=["guide", 0],
            sampler=["select", 0],
            sigmas=["sigmas", 0],
            latent_image=["empty", 0],
        ),
    }
    expected = replace(
        CORE, steps=8, sampler="euler", scheduler="beta", cfg=3, seed=11, denoise=0.4
    )
    assert read_generation_settings(Graph(graph), "save") == expected
    graph["sigmas"] = node("KarrasScheduler", steps=9, sigma_max=14.6, sigma_min=0.03, rho=7)
    graph["select"] = node("SamplerDPMPP_2M_SDE", solver_type="midpoint")
    graph["guide"] = node("BasicGuider", model=["load", 0], conditioning=["good", 0])
    expected = replace(
        expected, steps=9, sampler="dpmpp_2m_sde", scheduler="karras", cfg=None, denoise=None
    )
    assert read_generation_settings(Graph(graph), "save") == replace(expected, negative=None)
    # A split schedule runs fewer steps than it has.
    graph["split"] = node("SplitSigmas", sigmas=["sigmas", 0], step=4)
    graph["sample"]["inputs"]["sigmas"] = ["split", 0]
    assert read_generation_settings(Graph(graph), "save").steps is None


def test_sampler_custom_is_read() -> None:
    graph = core_graph() | {
        "select": node("KSamplerSelect", sampler_name="lcm"),
        "sigmas": node("SDTurboScheduler", model=["load", 0], steps=2, denoise=1.0),
    }
    old = graph["sample"]["inputs"]
    kept = {key: old[key] for key in ("model", "positive", "negative", "latent_image", "cfg")}
    parts = {"sampler": ["select", 0], "sigmas": ["sigmas", 0], "add_noise": True, "noise_seed": 5}
    graph["sample"] = node("SamplerCustom", **kept, **parts)
    expected = replace(CORE, steps=2, sampler="lcm", scheduler="turbo", seed=5, denoise=1.0)
    assert read_generation_settings(Graph(graph), "save") == expected


def test_sampler_without_noise_has_the_settings_of_the_earlier_one() -> None:
    graph = core_graph()
    old = graph["sample"]["inputs"]
    advanced = {k: v for k, v in old.items() if k not in ("seed", "denoise")}
    graph["sample"] = node("KSamplerAdvanced", **advanced, noise_seed=7, add_noise="enable")
    refined = advanced | {"latent_image": ["sample", 0], "model": ["other", 0], "steps": 25}
    graph["refine"] = node("KSamplerAdvanced", **refined, noise_seed=0, add_noise="disable")
    graph["decode"]["inputs"]["samples"] = ["refine", 0]
    assert read_generation_settings(Graph(graph), "save") == replace(CORE, denoise=None)
    # Without an earlier sampler the settings are its own, and its seed is unused.
    graph["refine"]["inputs"]["latent_image"] = ["empty", 0]
    alone = read_generation_settings(Graph(graph), "save")
    assert (alone.steps, alone.seed) == (25, None)


def test_pictures_may_pass_other_nodes_on_their_way() -> None:
    graph = core_graph() | {
        "up": node("LatentUpscale", samples=["sample", 0], width=1024),
        "scale": node("ImageScale", image=["decode", 0], width=["other", 0]),
        "paste": node("ImageCompositeMasked", destination=["photo", 0], source=["scale", 0]),
        "photo": node("LoadImage", image="a.png"),
        "other": node("KSampler", latent_image=["empty", 0], positive=["bad", 0], seed=1),
    }
    graph["decode"]["inputs"]["samples"] = ["up", 0]
    graph["save"]["inputs"]["images"] = ["paste", 0]
    assert read_generation_settings(Graph(graph), "save") == CORE


def test_pictures_of_two_samplers_name_none() -> None:
    graph = core_graph()
    graph["sample2"] = copy.deepcopy(graph["sample"])
    graph["decode2"] = node("VAEDecode", samples=["sample2", 0], vae=["vae", 0])
    graph["both"] = node("ImageBatch", image1=["decode", 0], image2=["decode2", 0])
    graph["save"]["inputs"]["images"] = ["both", 0]
    assert read_generation_settings(Graph(graph), "save") == GenerationSettings()
    # The same sampler twice is one sampler; two different VAEs are not named.
    graph["decode2"]["inputs"] = {"samples": ["sample", 0], "vae": ["load", 2]}
    assert read_generation_settings(Graph(graph), "save") == replace(CORE, vae=None)


CONDITIONING: list[tuple[dict[str, Any], str | None]] = [
    (node("ConditioningSetMask", conditioning=["good", 0]), "1girl, cat"),
    (node("ControlNetApply", conditioning=["good", 0], image=["photo", 0]), "1girl, cat"),
    (node("ControlNetApplyAdvanced", positive=["good", 0], negative=["bad", 0]), "1girl, cat"),
    (node("ConditioningZeroOut", conditioning=["good", 0]), ""),
    (node("ConditioningCombine", conditioning_1=["good", 0], conditioning_2=["bad", 0]), None),
    (
        node("ConditioningCombine", conditioning_1=["good", 0], conditioning_2=["good", 0]),
        "1girl, cat",
    ),
    (node("ConditioningCombine", conditioning_1=["good", 0], conditioning_2=["gone", 0]), None),
    (node("LoadConditioning", file="x"), None),
    (node("CLIPTextEncodeSDXL", clip=["load", 1], text_g="a", text_l="b", width=8), "a\nb"),
    (node("CLIPTextEncodeSDXL", clip=["load", 1], text_g="a", text_l="a"), "a"),
    (node("CLIPTextEncodeSDXL", clip=["load", 1], text_g="a", text_l=["expand", 0]), None),
    (node("CLIPTextEncodeFlux", clip=["load", 1], clip_l="", t5xxl="long", guidance=3), "long"),
    (node("TipoClipSkipEncode", clip=["load", 1], text="cat", clip_skip=2), "cat"),
    (node("TextEncodeQwenImageEdit", clip=["load", 1], prompt="edit", image=["photo", 0]), "edit"),
    (node("CLIPVisionEncode", clip=["load", 1]), None),
]


@pytest.mark.parametrize(("through", "text"), CONDITIONING)
def test_text_is_found_before_conditioning_nodes(through: dict[str, Any], text: str | None) -> None:
    graph = core_graph() | {"through": through, "expand": node("TipoExpand", tags="x")}
    graph["sample"]["inputs"]["positive"] = ["through", 0]
    assert read_generation_settings(Graph(graph), "save").positive == text


def test_each_output_of_a_pair_has_its_own_text() -> None:
    graph = core_graph()
    pair = node("ControlNetApplyAdvanced", positive=["good", 0], negative=["bad", 0])
    graph["pair"] = pair
    graph["sample"]["inputs"] |= {"positive": ["pair", 0], "negative": ["pair", 1]}
    assert read_generation_settings(Graph(graph), "save") == CORE
    graph["sample"]["inputs"]["positive"] = ["pair", 2]
    assert read_generation_settings(Graph(graph), "save").positive is None


@pytest.mark.parametrize(
    ("own", "layer", "expected"),
    [(2, None, 2), (-3, None, 3), (0, -2, 2), (1, -2, 1), (0, None, None), (0, -1, 1)],
)
def test_clip_skip_of_the_encoder_comes_before_that_of_the_clip(
    own: int, layer: int | None, expected: int | None
) -> None:
    graph = core_graph()
    clip = ["lora", 1] if layer is None else ["skip", 0]
    graph["skip"]["inputs"]["stop_at_clip_layer"] = layer
    graph["good"] = node("TipoClipSkipEncode", clip=clip, text="1girl, cat", clip_skip=own)
    assert read_generation_settings(Graph(graph), "save") == replace(CORE, clip_skip=expected)


@pytest.mark.parametrize(
    ("vae", "expected"),
    [
        (node("TipoLoadVae", vae_name="a/b.safetensors"), "b.safetensors"),
        (node("TipoLoadVae", vae_name="checkpoint: sd15/anime v3.5.safetensors"), None),
        (node("TipoLoadVae", vae_name="checkpoint: other.safetensors"), "other.safetensors"),
        (node("CheckpointLoaderSimple", ckpt_name="x.safetensors"), None),
    ],
)
def test_vae_is_named_unless_it_is_the_models_own(vae: dict[str, Any], expected: str) -> None:
    graph = core_graph() | {"vae": vae}
    assert read_generation_settings(Graph(graph), "save") == replace(CORE, vae=expected)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (node("CheckpointLoaderSimple", ckpt_name="x.safetensors"), None),
        (node("VAELoader", vae_name="a/b.safetensors"), "b.safetensors"),
        (node("TipoLoadVae", vae_name="connected VAE", connected_vae=["first", 0]), None),
    ],
)
def test_a_connected_vae_is_named_after_its_loader(
    origin: dict[str, Any], expected: str | None
) -> None:
    passed = node("TipoLoadVae", vae_name="connected VAE", connected_vae=["first", 0])
    graph = core_graph() | {"first": origin, "vae": passed}
    assert read_generation_settings(Graph(graph), "save") == replace(CORE, vae=expected)


@pytest.mark.parametrize(
    ("loader", "expected"),
    [
        (node("UNETLoader", unet_name="flux/dev.Q4.gguf"), "dev.Q4"),
        (node("ModelMergeSimple", model1=["load", 0], model2=["load", 0]), None),
        (node("CheckpointLoaderSimple", ckpt_name=["pick", 0]), None),
        (node("CheckpointLoaderSimple", ckpt_name=["string", 0]), "named"),
    ],
)
def test_model_is_named_where_one_file_holds_it(loader: dict[str, Any], expected: str) -> None:
    graph = core_graph() | {"loader": loader, "pick": node("Pick", a="x")}
    graph["string"] = node("PrimitiveString", value="named.ckpt")
    graph["lora"]["inputs"]["model"] = ["loader", 0]
    assert read_generation_settings(Graph(graph), "save") == replace(CORE, model=expected)


def test_linked_widgets_are_read_from_primitives_alone() -> None:
    graph = core_graph() | {
        "seed": node("PrimitiveInt", value=99),
        "cfg": node("PrimitiveFloat", value=["seed", 0]),
        "text": node("PrimitiveStringMultiline", value="linked"),
        "random": node("RandomSeed", value=5),
        "encode": node("TipoClipSkipEncode", clip=["load", 1], text=["text", 0], clip_skip=0),
    }
    graph["sample"]["inputs"] |= {"seed": ["seed", 0], "cfg": ["cfg", 0], "steps": ["random", 0]}
    graph["good"]["inputs"]["text"] = ["encode", 2]
    expected = replace(CORE, seed=99, cfg=99, steps=None, positive="linked")
    assert read_generation_settings(Graph(graph), "save") == expected
    for value in ("99", True, 10**400, float("nan"), None):
        graph["seed"]["inputs"]["value"] = value
        assert read_generation_settings(Graph(graph), "save") == replace(
            expected, seed=None, cfg=None
        )


def test_cycles_end() -> None:
    graph = core_graph()
    graph["lora"]["inputs"]["model"] = ["lora", 0]
    graph["skip"]["inputs"] = {"clip": ["skip", 0]}
    graph["string"] = node("PrimitiveString", value=["string", 0])
    graph["good"]["inputs"]["text"] = ["string", 0]
    graph["bad"] = node("ConditioningSetMask", conditioning=["bad", 0])
    graph["decode"]["inputs"]["image"] = ["decode", 0]
    graph["sample"]["inputs"] |= {"add_noise": "disable", "latent_image": ["sample", 0]}
    found = read_generation_settings(Graph(graph), "save")
    assert (found.steps, found.seed) == (20, None)
    assert [found.positive, found.negative, found.model, found.clip_skip] == [None] * 4


JUNK = st.sampled_from([None, True, -1, 0.5, "", "good", [], ["good"], ["gone", 0], ["good", "0"]])
JUNK |= st.sampled_from([["sample", 0], ["save", 0], [["good"], 0], {}, {"class_type": 1}, 10**400])


CHANGE = st.tuples(st.sampled_from(sorted(core_graph())), st.integers(0, 12), JUNK)


@given(st.lists(CHANGE, max_size=6))
@settings(max_examples=60, deadline=None)
def test_no_graph_is_an_error(changes: list[tuple[str, int, Any]]) -> None:
    graph = core_graph()
    for node_id, place, junk in changes:
        inputs = core_graph()[node_id]["inputs"]
        if place < len(inputs):
            graph[node_id] = node("X", **inputs | {list(inputs)[place]: junk})
        else:
            graph[node_id] = junk if place % 2 else {"class_type": "X", "inputs": junk}
    found = read_generation_settings(Graph(graph), "save")
    assert isinstance(infotext(found, "", (8, 8), "ComfyUI"), str)


@pytest.mark.parametrize("graph", [None, [], "x", {}, {"save": None}, {"save": {"inputs": []}}])
def test_malformed_graph_has_no_settings(graph: object) -> None:
    assert read_generation_settings(Graph(graph), "save") == GenerationSettings()
