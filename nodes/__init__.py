"""What the graph sees: one file a family of nodes, each ending in its `NODES` list."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from . import (
    bans,
    encode,
    expand,
    fields,
    format,
    image,
    load_model,
    load_vae,
    options,
    sampling,
    split_prompt,
    sweep,
    task,
    vae,
    vae_encode,
)

FAMILIES = (
    *(load_model, expand, task, options, bans, split_prompt, format, fields),
    *(encode, sampling, sweep, load_vae, vae, vae_encode, image),
)


class TipoSuite(ComfyExtension):
    """All nodes of the pack, in the order of the menu."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [node for family in FAMILIES for node in family.NODES]
