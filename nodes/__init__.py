"""What the graph sees: one file a family of nodes, each ending in its `NODES` list."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from . import encode, expand, image, load_model, sampling, vae

FAMILIES = (load_model, expand, encode, sampling, vae, image)


class TipoSuite(ComfyExtension):
    """All nodes of the pack, in the order of the menu."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [node for family in FAMILIES for node in family.NODES]
