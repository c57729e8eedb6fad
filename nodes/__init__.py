"""What the graph sees: one file a family of nodes, each ending in its `NODES` list."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from . import models
from .image import clip_encode, sampler, save, sweep
from .text import bans, expand, fields, format, options, split, task
from .vae import load_vae, vae_decode, vae_encode

FAMILIES = (
    *(models, expand, task, options, bans, split, format, fields),
    *(clip_encode, sampler, sweep, load_vae, vae_decode, vae_encode, save),
)


class TipoSuite(ComfyExtension):
    """All nodes of the pack, in the order of the menu."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [node for family in FAMILIES for node in family.NODES]
