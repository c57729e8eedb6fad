"""ComfyUI's base folder, .host/base: the pack linked in, toy-sd's checkpoint, example pictures.

An image template names its picture by the user's task (`choose-a-picture.png`). Elsewhere no file
has this name, and ComfyUI's error repeats it; here an example picture stands in for the choice.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from devkit.messages import StepError
from devkit.setup.environment import write_atomically
from devkit.setup.host import Host, ensure_host
from devkit.setup.layout import PACK_NAME, Layout
from devkit.setup.toy_sd import ensure_toy_sd

LINK = "link the pack into custom_nodes"
EXAMPLES = Path("devkit", "assets", "examples")
MODEL_FOLDERS = {
    "checkpoints": "models/checkpoints",
    "clip": "models/clip",
    "clip_vision": "models/clip_vision",
    "configs": "models/configs",
    "controlnet": "models/controlnet",
    "diffusion_models": "models/diffusion_models",
    "embeddings": "models/embeddings",
    "kgen": "models/kgen",
    "loras": "models/loras",
    "text_encoders": "models/text_encoders",
    "tipo": "models/tipo",
    "unet": "models/unet",
    "upscale_models": "models/upscale_models",
    "vae": "models/vae",
    "vae_approx": "models/vae_approx",
}


def make_ready(layout: Layout, environ: Mapping[str, str]) -> Host:
    """Obtain ComfyUI, fill its base folder, and return it."""
    host = ensure_host(layout, environ)
    prepare_base(layout.base, layout.root)
    put_examples(layout.root, layout.base)
    ensure_toy_sd(layout, host)
    return host


def prepare_base(base: Path, pack: Path) -> None:
    """Make a ComfyUI base directory with the pack linked into its custom_nodes."""
    for folder in ("models/checkpoints", "models/vae", "models/tipo", "input", "output", "user"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    link_pack(pack, base / "custom_nodes" / PACK_NAME)


def link_pack(pack: Path, link: Path) -> None:
    """Make `link` a symbolic link to the pack; a junction where Windows grants no links."""
    link.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(link):
        if link.exists() and link.resolve() == pack.resolve():
            return
        if link.is_symlink():
            link.unlink()
        else:
            raise StepError(
                LINK, f"{link} exists and is not a link to this checkout", "move it away"
            )
    try:
        link.symlink_to(pack, target_is_directory=True)
    except OSError:
        if os.name != "nt":
            raise
        # A junction needs no special right, a symbolic link does.
        command = ["cmd", "/c", "mklink", "/J", str(link), str(pack)]
        subprocess.run(command, check=True, capture_output=True)


def write_model_paths(path: Path, models_of: list[Path]) -> Path:
    """Write an extra-model-paths file that adds the models of other ComfyUI folders."""
    lines = ["# Made by dev.py: where this host looks for more models."]
    for number, folder in enumerate(models_of):
        # A JSON string is a YAML string too, with backslashes and spaces taken care of.
        lines += [f"folder_{number}:", f"  base_path: {json.dumps(str(folder))}"]
        lines += [f"  {name}: {relative}" for name, relative in MODEL_FOLDERS.items()]
    write_atomically(path, "\n".join(lines) + "\n")
    return path


def put_examples(root: Path, base: Path) -> list[Path]:
    """Copy the example pictures into the input folder of `base`; return their paths there."""
    target = base / "input"
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    for example in sorted((root / EXAMPLES).glob("*.png")):
        path = target / example.name
        content = example.read_bytes()
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
        paths.append(path)
    return paths
