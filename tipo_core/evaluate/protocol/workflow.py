"""The workflow that draws the pictures: the pack's own with the published settings, or a user's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...comfy_api.api_graph import GraphError, load_graph, nodes_of_type
from ...comfy_api.http_client import Graph

WORKFLOW = Path(__file__).parents[3] / "workflows" / "api" / "text-to-image.json"
# Settings of the published pictures: see docs/evaluation.md.
PUBLISHED = {
    ("EmptyLatentImage", "width"): 1024,
    ("EmptyLatentImage", "height"): 1024,
    ("TipoExpand", "tag_length"): "long",
    ("TipoExpand", "caption_length"): "long",
    ("TipoSampler", "steps"): 16,
    ("TipoSampler", "cfg"): 3.0,
    ("TipoSampler", "sampler_name"): "dpmpp_2m_sde",
    ("TipoSampler", "scheduler"): "exponential",
}
# Prompts of tags get tags and a caption, prompts of captions the caption alone.
_TAGS_TEMPLATE = (
    "<|special|>, <|characters|>, <|copyrights|>, <|artist|>, <|general|>, <|extended|>. "
    "<|quality|>, <|meta|>, <|rating|>"
)
_CAPTION_TEMPLATE = "<|extended|>"
# The nodes that an option sets; a workflow needs at least one of each option's node types.
_OPTIONS = {
    "checkpoint": (("CheckpointLoaderSimple", "ckpt_name"),),
    "tipo_model": (("TipoLoadModel", "model"),),
    "width": (("EmptyLatentImage", "width"), ("EmptySD3LatentImage", "width")),
    "height": (("EmptyLatentImage", "height"), ("EmptySD3LatentImage", "height")),
    "steps": (("TipoSampler", "steps"), ("KSampler", "steps")),
    "cfg": (("TipoSampler", "cfg"), ("KSampler", "cfg")),
    "sampler": (("TipoSampler", "sampler_name"), ("KSampler", "sampler_name")),
    "scheduler": (("TipoSampler", "scheduler"), ("KSampler", "scheduler")),
}
OPTIONS = tuple(_OPTIONS)


def published_workflow(field: str) -> Graph:
    """Return the pack's text-to-image graph with the published settings, for prompts in `field`.

    Its pictures are previews, so that the server's output folder stays as it is.
    """
    graph = load_graph(WORKFLOW)
    for (class_type, name), value in PUBLISHED.items():
        for node_id in nodes_of_type(graph, class_type):
            graph[node_id]["inputs"][name] = value
    (expand,) = nodes_of_type(graph, "TipoExpand")
    template = _TAGS_TEMPLATE if field == "tags" else _CAPTION_TEMPLATE
    graph[expand]["inputs"]["template"] = template
    (positive,) = (
        node["inputs"]["positive"][0]
        for node in graph.values()
        if node["class_type"] == "TipoSampler"
    )
    for node_id in nodes_of_type(graph, "TipoClipSkipEncode"):
        if node_id != positive:
            graph[node_id]["inputs"]["text"] = ""
    (save,) = nodes_of_type(graph, "TipoSaveImage")
    images = graph[save]["inputs"]["images"]
    graph[save] = {
        "class_type": "PreviewImage",
        "inputs": {"images": images},
        "_meta": {"title": "Preview Image"},
    }
    return graph


def set_options(graph: Graph, options: Mapping[str, Any]) -> None:
    """Set the inputs that `options` (keys of `OPTIONS`; None is skipped) name, in all nodes.

    Raises GraphError if the workflow has no node for an option.
    """
    for option, value in options.items():
        if value is None:
            continue
        places = _OPTIONS[option]
        found = [
            (node_id, name)
            for class_type, name in places
            for node_id in nodes_of_type(graph, class_type)
        ]
        if not found:
            kinds = " or ".join(class_type for class_type, _ in places)
            flag = option.replace("_", "-")
            raise GraphError(
                f"--{flag} sets a {kinds}, and the workflow has none",
                "set your node with --set NODE.INPUT=VALUE",
            )
        for node_id, name in found:
            graph[node_id]["inputs"][name] = value
    checkpoint = options.get("checkpoint")
    if checkpoint is not None:
        # The pack's VAE loader names the checkpoint that it takes the VAE from.
        for node_id in nodes_of_type(graph, "TipoLoadVae"):
            inputs = graph[node_id]["inputs"]
            if str(inputs.get("vae_name", "")).startswith("checkpoint: "):
                inputs["vae_name"] = f"checkpoint: {checkpoint}"
