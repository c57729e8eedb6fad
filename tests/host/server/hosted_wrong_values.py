"""Gives each input of each node values of a wrong type, and names that no file has.

Run by test_wrong_values.py; prints the errors as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from functools import partial
from typing import Any

import torch

from tests.host.raised import raised

WRONG: tuple[Any, ...] = (None, ["a", 1], 7, 0.5, True, {"a": 1}, b"x")
pack = importlib.import_module("pack")
NODES = {
    node.define_schema().node_id: node
    for node in asyncio.run(asyncio.run(pack.comfy_entrypoint()).get_node_list())
}


def wrong_types() -> dict[str, list[str]]:
    """The errors of each input that takes a text, a name or a value of the pack's own types."""
    found = {}
    for node_id, node in NODES.items():
        for one in node.define_schema().inputs:
            kind = one.get_io_type()
            if kind in ("STRING", "COMBO") or kind.startswith("TIPO_"):
                wrong = [value for value in WRONG if value is not None or not one.optional]
                if kind.startswith("TIPO_") and kind != "TIPO_BANS":
                    wrong.append("a text")
                runs = [partial(node.execute, **{one.id: value}) for value in wrong]
                found[f"{node_id} {one.id}"] = [raised(run) for run in runs]
    return found


def validated() -> dict[str, list[Any]]:
    """The answers of the checks before a run to wrong values; None stands for a link."""
    load, vae, save = (NODES[name] for name in ("TipoLoadModel", "TipoLoadVae", "TipoSaveImage"))
    wrong = [value for value in WRONG if value is not None]
    model = partial(load.fingerprint_inputs, device="auto", precision="auto")
    return {
        "model": [answer(partial(load.validate_inputs, model=one)) for one in wrong],
        "vae_name": [answer(partial(vae.validate_inputs, vae_name=one)) for one in wrong],
        "format": [answer(partial(save.validate_inputs, format=one)) for one in wrong],
        "fingerprint of model": [answer(partial(model, model=one)) for one in WRONG],
        "fingerprint of VAE": [
            answer(partial(vae.fingerprint_inputs, vae_name=one)) for one in WRONG
        ],
    }


def answer(run: Any) -> Any:
    try:
        return run()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def names() -> dict[str, str]:
    """Errors of names with `..` and NUL, as a model, a VAE and the start of a file name."""
    picture = torch.zeros(1, 8, 8, 3)
    load, save, vae = (NODES[name] for name in ("TipoLoadModel", "TipoSaveImage", "TipoLoadVae"))

    def saved(prefix: str) -> str:
        clone = save.PREPARE_CLASS_CLONE({})
        run = {"images": picture, "filename_prefix": prefix, "format": "png", "quality": 90}
        return raised(lambda: clone.execute(**run))

    def loaded(name: str) -> str:
        return raised(partial(load.execute, model=name, device="auto", precision="auto"))

    vaes = ("../x", "a\0b", "diffusers: ../x", "diffusers: a\0b", "checkpoint: a\0b")
    prefixes = ("../x", "a/../../x", "/etc/x", "a\0b", "a\0/b", "..", "sub/../..")
    models = ("../x", "a\0b", "x" * 100_000, "..", "/etc/passwd")
    return {
        **{f"model {name[:20]!r}": loaded(name) for name in models},
        **{f"vae {name!r}": raised(partial(vae.execute, vae_name=name)) for name in vaes},
        **{f"save {prefix!r}": saved(prefix) for prefix in prefixes},
    }


results = {"types": wrong_types(), "validated": validated(), "names": names()}
print(json.dumps(results))
