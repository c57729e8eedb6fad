"""Write a VAE of zeros with the sizes of SD1.x's, in fp32 (335 MB).

Run in ComfyUI's Python: write_vae.py COMFYUI FILE.
"""

from __future__ import annotations

import importlib
import sys

import torch
from safetensors.torch import save_file

tree, file = sys.argv[1:]
# ComfyUI parses sys.argv when it is imported.
sys.argv[1:] = []
sys.path[0] = tree
importlib.import_module("comfy.cli_args").args.cpu = True
autoencoder = importlib.import_module("comfy.ldm.models.autoencoder")
# The ddconfig of SD1.x's v1-inference.yaml.
config = {
    "double_z": True,
    "z_channels": 4,
    "resolution": 256,
    "in_channels": 3,
    "out_ch": 3,
    "ch": 128,
    "ch_mult": [1, 2, 4, 4],
    "num_res_blocks": 2,
    "attn_resolutions": [],
    "dropout": 0.0,
}
weights = autoencoder.AutoencoderKL(ddconfig=config, embed_dim=4).state_dict()
save_file({name: torch.zeros_like(weight) for name, weight in weights.items()}, file)
