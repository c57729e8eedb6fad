"""The way back from a picture over pixels and latents to the sampler that drew it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .graph_links import Graph, Node

# Inputs for pixels or latents, by the beginning of their names.
PIXEL_INPUTS = ("image", "samples", "latent", "pixels", "destination", "source")
# Nodes whose latent has the size of their input `samples`.
SAME_SIZE_NODES = ("RepeatLatentBatch", "LatentFromBatch", "SetLatentNoiseMask")


@dataclass(frozen=True)
class WayBack:
    """The nodes on all ways from a picture back to the first samplers.

    `decodes` has the VAE decode next to each sampler, None for none.
    """

    samplers: tuple[Node, ...]
    decodes: tuple[Node | None, ...]
    between: tuple[Node, ...]


def way_back(graph: Graph, node: Node | None, names: tuple[str, ...]) -> WayBack:
    """Follow the inputs of pixels and latents, at first those of some names."""
    found: dict[tuple[Node, Node | None], None] = {}
    seen: dict[Node, None] = {}
    todo: list[tuple[Node, Node | None, tuple[str, ...]]] = [(node, None, names)] if node else []
    while todo:
        node, decode, names = todo.pop()
        for name in (name for name in node.inputs if name.startswith(names)):
            origin = graph.linked(node, name)
            if origin is None:
                continue
            if origin.is_sampler:
                found[origin, decode] = None
            elif origin not in seen:
                seen[origin] = None
                decodes = {"samples", "vae"} <= set(origin.inputs)
                todo.append((origin, origin if decodes else decode, PIXEL_INPUTS))
    samplers = dict.fromkeys(sampler for sampler, _ in found)
    return WayBack(tuple(samplers), tuple(decode for _, decode in found), tuple(seen))


def graph_of_picture(
    graph: Graph, node_id: str, changes_lists: Callable[[str], bool], name: str = "images"
) -> Graph:
    """The graph for the picture at input `name` of a node.

    `changes_lists` says whether a node of a type gives lists or takes them whole. After one, the
    picture's place in the list of a sweep is unknown, and so are the values that the sweep changes.
    """
    between = way_back(graph, graph.node(node_id), (name,)).between
    is_changed = any(changes_lists(node.class_type) for node in between)
    return graph.without_place() if is_changed else graph


def with_noise(graph: Graph, sampler: Node) -> Node:
    """The sampler, or an earlier one whose work it continues without adding noise."""
    seen = set()
    while not adds_noise(graph, sampler) and sampler.node_id not in seen:
        seen.add(sampler.node_id)
        earlier = way_back(graph, sampler, ("latent_image",)).samplers
        if len(earlier) != 1:
            break
        (sampler,) = earlier
    return sampler


def latent_size(graph: Graph, sampler: Node) -> tuple[int, int] | None:
    """The size in pixels of the latent that a sampler got, from the node that made it."""
    latent = graph.linked(sampler, "latent_image")
    seen = set()
    while latent and latent.class_type in SAME_SIZE_NODES and latent.node_id not in seen:
        seen.add(latent.node_id)
        latent = graph.linked(latent, "samples")
    width, height = (graph.value(latent, side, int) for side in ("width", "height"))
    return (width, height) if width and height else None


def adds_noise(graph: Graph, sampler: Node) -> bool:
    noise = graph.linked(sampler, "noise")
    off = sampler.inputs.get("add_noise") in ("disable", False)
    return not off and not (noise and noise.class_type == "DisableNoise")
