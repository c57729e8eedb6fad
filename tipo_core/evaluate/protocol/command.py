"""`protocol`: from the command line to pictures and measures."""

from __future__ import annotations

import argparse
import logging

from ...comfy_api.api_graph import GraphError, apply_settings, load_graph, nodes_of_type
from ...comfy_api.http_client import Graph, HttpClient
from .arms import ARMS, Arms, published_workflow
from .draw import Run, draw
from .prompts import Cut, prompts_of

# The nodes that an option sets, of which a workflow has one kind at the least.
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
_log = logging.getLogger("tipo-suite")


def run(arguments: argparse.Namespace) -> str:
    """Draw what is missing, measure both arms, and return the table."""
    client = HttpClient(arguments.server)
    cut = Cut(getattr(arguments, "sentences", 2), getattr(arguments, "words", 0))
    prompts = prompts_of(arguments.test, arguments.prompts, arguments.count, cut, arguments.column)
    arms = Arms.of(workflow_of(arguments), arguments.field, arguments.expander)
    if not arguments.draw_only:
        from .arm_measures import check

        # A model that is not here is an error before a day of drawing, not after it.
        check(arguments)
    drawn = draw(
        Run(arguments.test, prompts, arguments.seed, arms),
        client,
        arguments.out,
        arguments.at_once,
    )
    there = len(ARMS) * len(prompts)
    head = f"{there} pictures in {arguments.out}, {drawn} of them drawn now\n"
    if arguments.draw_only:
        return head
    from .arm_measures import measure

    return head + measure(arguments)


def workflow_of(arguments: argparse.Namespace) -> Graph:
    """Return the workflow with the options of the command line. Raises GraphError."""
    if arguments.workflow is None:
        graph = published_workflow(arguments.field)
        if arguments.checkpoint is None:
            raise GraphError(
                "no model draws the pictures", "name one with --checkpoint, or give a --workflow"
            )
    else:
        graph = load_graph(arguments.workflow)
    for option, places in _OPTIONS.items():
        value = getattr(arguments, option)
        if value is None:
            continue
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
    if arguments.checkpoint is not None:
        # The pack's VAE loader names the checkpoint that it takes the VAE from.
        for node_id in nodes_of_type(graph, "TipoLoadVae"):
            inputs = graph[node_id]["inputs"]
            if str(inputs.get("vae_name", "")).startswith("checkpoint: "):
                inputs["vae_name"] = f"checkpoint: {arguments.checkpoint}"
    apply_settings(graph, arguments.set)
    return graph
