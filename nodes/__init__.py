"""The pack's nodes. Each file of a node ends in its `NODES` list.

text/             expansion, single task, sampling options, bans, split, format, fields
image/            prompt encoding, sampling, saving
sweep/            one graph with many values: sweep, its models, its grid
vae/              load, decode, encode
lora/             LoRAs that a prompt names
other_packs/      graphs of z-tipo and DanTagGen: stand-ins for their nodes, conversion
train/            DreamBooth: a subject taught to a model
models.py         Load TIPO Model: folders, menu, download, report
hosted_model.py   a language model under ComfyUI's model management
memory.py         the only file that touches ComfyUI's model management, progress and interrupt
inputs.py         link types, and inputs and outputs that several nodes share
checked_inputs.py the types of a node's values, checked before it runs
host_features.py  the only file that tests the host for features of declarations
prompt_server.py  the running server, to which routes and messages of the pack belong
tag_route.py      the address at which the page asks for tags to complete
fingerprint.py    digests by which ComfyUI sees that a file was replaced
"""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from . import models
from .checked_inputs import with_checked_inputs
from .host_features import register_replacements
from .image import clip_encode, sampler, save, sdxl_size
from .lora import prompt_loras
from .other_packs import stand_ins
from .other_packs.routes import add_migrate_route
from .sweep import grid, sweep, sweep_models
from .tag_route import add_tag_route
from .text import bans, expand, fields, format, metadata_lines, options, split, task
from .text.pinned_prompts import prepare_queued_graphs
from .train import dreambooth_train
from .train.dataset import class_images, dreambooth_dataset
from .train.evaluation import dreambooth_evaluate
from .vae import load_vae, vae_decode, vae_encode

FAMILIES = (
    *(models, expand, task, options, bans, metadata_lines, split, format, fields),
    *(
        prompt_loras,
        clip_encode,
        sdxl_size,
        sampler,
        sweep,
        sweep_models,
        grid,
        load_vae,
        vae_decode,
        vae_encode,
        save,
        dreambooth_dataset,
        class_images,
        dreambooth_train,
        dreambooth_evaluate,
        stand_ins,
    ),
)


class TipoSuite(ComfyExtension):
    """All nodes of the pack, in the order of the menu."""

    async def on_load(self) -> None:
        """Called by newer ComfyUI alone."""
        await register_replacements(stand_ins.replacements())

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        prepare_queued_graphs()
        add_tag_route()
        add_migrate_route()
        return [with_checked_inputs(node) for family in FAMILIES for node in family.NODES]
