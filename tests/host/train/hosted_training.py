"""DreamBooth Train inside ComfyUI with toy-sd; prints the results as JSON (see inside.py).

The argument is toy-sd's checkpoint. Run by test_dreambooth_train.py.
"""

from __future__ import annotations

import copy
import gc
import json
import sys
from pathlib import Path
from typing import Any

import comfy.model_management as management
import comfy.sample
import comfy.sd
import comfy.utils
import folder_paths
import torch
from comfy_extras import nodes_train
from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete

from tests.host.train.training_tools import (
    digest,
    load,
    marks,
    picture_set,
    recipe,
    samples,
    train,
    train_node,
    training_run,
)

model, clip, vae = load(sys.argv[1])
TEXT = clip.cond_stage_model
STATES = Path(folder_paths.get_output_directory(), "tipo-training")
SHOWN = samples.SampleSettings(("sks critter", "critter"), 5, 2, 3.0, 0)


def load_plain() -> None:
    with torch.inference_mode():
        management.load_models_gpu([model, clip.patcher])


load_plain()
BEFORE = digest(model.model), digest(TEXT)
USUAL = marks(model.model, TEXT)  # 0.3.75 leaves requires_grad on


def state() -> dict[str, Any]:
    """The model after a training, before and after it is loaded as it was."""
    left = [one for one in marks(model.model, TEXT) if one not in USUAL]
    load_plain()
    return {"left": left, "same": (digest(model.model), digest(TEXT)) == BEFORE,
            "left later": sorted(set(marks(model.model, TEXT)) - set(USUAL))}  # fmt: skip


def forget() -> None:
    for file in STATES.glob("*"):
        file.unlink()


def bits(trained: Any) -> list[Any]:
    weights = {name: one.double().sum().item() for name, one in trained.lora.items()}
    return [weights, [[repr(value) for value in record] for record in trained.records]]


def drawn(model: Any, clip: Any, prompt: str = "sks critter") -> torch.Tensor:
    with torch.inference_mode():
        positive, negative = (
            clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in (prompt, "")
        )
        noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
        return comfy.sample.sample(
            model, noise, 3, 3.0, "euler", "simple", positive, negative, torch.zeros(1, 4, 8, 8),
            disable_pbar=True, seed=0,
        ).clone()  # fmt: skip


class Interrupt:
    """Sets ComfyUI's interrupt when the model's middle block runs for the n-th time."""

    def __init__(self, calls: int) -> None:
        self.left = calls
        block = model.model.diffusion_model.middle_block[0]
        self.handle = block.register_forward_pre_hook(self._count)

    def _count(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            management.interrupt_current_processing(True)


def interrupted(calls: int, settings: Any) -> str:
    hook = Interrupt(calls)
    try:
        train(model, clip, vae, settings)
    except management.InterruptProcessingException as error:
        return type(error).__name__
    finally:
        hook.handle.remove()
        management.interrupt_current_processing(False)
    return "went on"


def kinds() -> dict[str, Any]:
    """One short training of each kind."""
    found = {}
    of_kinds: dict[str, dict[str, Any]] = {
        "lora": {},
        "checkpointed": {"checkpointing": True},
        "full": {"unet": "full", "learning_rate": 1e-4},
        "text lora": {"text_encoder": "lora", "targets": "linear and convolution"},
        "token": {"unet": "none", "text_encoder": "token"},
        "bf16": {"precision": "bf16"},
    }
    for name, settings in of_kinds.items():
        forget()
        trained = train(model, clip, vae, recipe(**settings), samples=SHOWN, prefix="loras/kind")
        pictures = [one.shape for one in trained.samples]
        after = state()
        plain = drawn(model, clip)
        changed = drawn(trained.model, trained.clip)
        found[name] = {
            **after,
            "losses": [record.loss for record in trained.records],
            "samples": [list(shape) for shape in pictures],
            "drawn": (changed - plain).abs().max().item(),
            "finite": bool(torch.isfinite(changed).all()),
            "files": [str(path.relative_to(folder_paths.get_output_directory())) for path in
                      trained.files],
            "exist": all(path.is_file() for path in trained.files),
        }  # fmt: skip
    return found


def resumed() -> dict[str, Any]:
    """Cancels within and after steps, and the same training uninterrupted."""
    forget()
    settings = recipe(text_encoder="lora", targets="linear", schedule="cosine", min_snr_gamma=5.0)
    whole = bits(train(model, clip, vae, settings))
    forget()
    again = bits(train(model, clip, vae, settings))
    forget()
    # The middle block runs once for the count of the memory and once in each of the three steps:
    # two cancels, in the second and in the third step.
    cancels = [interrupted(3, settings), state(), interrupted(3, settings), state()]
    files = [path.suffix for path in STATES.glob("*")]
    steps: list[int] = []
    last = bits(train(model, clip, vae, settings, show_text=lambda text: steps.append(text)))
    return {
        "repeated": again == whole,
        "cancels": cancels,
        "files": files,
        "went on": last == whole,
        "ran": len(steps),
        "other seed": bits(train(model, clip, vae, recipe(seed=1)))[0] == whole[0],
    }


def errors() -> dict[str, Any]:
    """An error within a step leaves nothing behind either, and memory advice has numbers."""
    forget()

    class Fails(Interrupt):
        def _count(self, *_: Any) -> None:
            self.left -= 1
            if self.left == 0:
                raise RuntimeError("CUDA error: out of memory")

    hook = Fails(2)  # the first call is that of the count of the memory
    try:
        train(model, clip, vae, recipe())
    except RuntimeError as error:
        message = str(error)
    finally:
        hook.handle.remove()
    return {"message": message, **state()}


def files() -> dict[str, Any]:
    """LORA_MODEL through core's nodes, the saved file, and both as pictures."""
    forget()
    settings = recipe(text_encoder="lora", targets="linear and convolution", learning_rate=0.01)
    trained = train(model, clip, vae, settings, prefix="loras/mine")
    second = train(model, clip, vae, settings, prefix="loras/mine")
    wanted = drawn(trained.model, trained.clip)
    through = {}
    with torch.inference_mode():
        nodes_train.SaveLoRA.execute(trained.lora, "loras/core", 3)
        of_core = next(Path(folder_paths.get_output_directory(), "loras").glob("core*"))
        for name, path in (("core", of_core), ("kohya", trained.files[0])):
            tensors, metadata = comfy.utils.load_torch_file(str(path), return_metadata=True)
            loaded = comfy.sd.load_lora_for_models(model, clip, tensors, 1.0, 1.0)
            through[name] = {
                "difference": (drawn(*loaded) - wanted).abs().max().item(),
                "keys": sorted(tensors)[0],
                "metadata": sorted(metadata or {}),
            }
        (half,) = nodes_train.LoraModelLoader.execute(model, trained.lora, 1.0).args
        through["LoraModelLoader"] = {"patches": len(half.patches) == len(trained.model.patches)}
    return {
        "through": through,
        "plain": (drawn(model, clip) - wanted).abs().max().item(),
        "names": [path.name for path in (*trained.files, *second.files)],
        "again": bits(second) == bits(trained),
    }


def scaled_by(factor: float, block: tuple[str, int] | None = None) -> Any:
    """A model whose attention has larger queries, in all blocks or in one."""
    changed = model.clone()

    def patch(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, options: Any) -> Any:
        return (q * factor, k, v) if block in (None, options["block"]) else (q, k, v)

    changed.set_model_attn1_patch(patch)
    return changed


def other_sampling() -> Any:
    with torch.inference_mode():
        return ModelSamplingDiscrete().patch(model, "v_prediction", False)[0]


def with_row(value: float) -> Any:
    """A CLIP with another vector of one token."""
    changed = clip.clone()
    name = next(one for one in clip.cond_stage_model.state_dict() if "token_embedding" in one)
    change = torch.zeros(clip.cond_stage_model.state_dict()[name].shape)
    change[1234] = value
    changed.add_patches({name: ("diff", (change,))})
    return changed


def with_vae(factor: float) -> Any:
    """A VAE with another weight in one place."""
    weights = vae.first_stage_model.state_dict()
    name = next(name for name, one in weights.items() if one.ndim == 4)
    changed = copy.copy(vae)
    changed.patcher = vae.patcher.clone()
    change = torch.zeros(weights[name].shape)
    change.view(-1)[777 % change.numel()] = factor
    changed.patcher.add_patches({name: ("diff", (change,))})
    return changed


def states() -> dict[str, Any]:
    """The names of the states of trainings that differ in one link, twice each."""

    def name(a_model: Any = model, a_clip: Any = clip, a_vae: Any = vae) -> str:
        subject = picture_set(1, "sks critter", "sks")
        inputs = training_run.TrainingInputs(a_model, a_clip, a_vae, subject, None)
        return training_run._state_file(inputs, recipe()).name

    cases: dict[str, Any] = {
        "plain": name,
        "scaled": lambda: name(scaled_by(2.0)),
        "scaled more": lambda: name(scaled_by(3.0)),
        "one block": lambda: name(scaled_by(3.0, ("middle", 0))),
        "sampling": lambda: name(other_sampling()),
        "token": lambda: name(a_clip=with_row(0.5)),
        "other token": lambda: name(a_clip=with_row(0.25)),
        "vae": lambda: name(a_vae=with_vae(0.5)),
        "other vae": lambda: name(a_vae=with_vae(0.25)),
    }
    return {case: [made(), made()] for case, made in cases.items()}


def one_block() -> list[Any]:
    """Losses and weights with a patch of one block, without and with checkpointing."""
    found = []
    for checkpointing in (False, True):
        forget()
        settings = recipe(checkpointing=checkpointing, learning_rate=0.01)
        found.append(bits(train(scaled_by(3.0, ("middle", 0)), clip, vae, settings)))
    return found


def wrong_links() -> dict[str, Any]:
    """Links that do not belong together, a caption without the token, a name below a file."""

    class Vae:
        patcher = vae.patcher

        def __init__(self, latent: torch.Tensor) -> None:
            self._latent = latent

        def encode(self, pixels: torch.Tensor) -> torch.Tensor:
            return self._latent

    narrow = clip.clone()
    narrow.clone = lambda: narrow
    narrow.encode_from_tokens = lambda *_, **__: {"cond": torch.zeros(1, 77, 8)}
    output = Path(folder_paths.get_output_directory())
    (output / "a file").write_text("")
    token = recipe(text_encoder="token", unet="none")
    cases: dict[str, Any] = {
        "channels": lambda: train(model, clip, Vae(torch.zeros(1, 16, 8, 8)), recipe()),
        "nan": lambda: train(model, clip, Vae(torch.full((1, 4, 8, 8), torch.nan)), recipe()),
        "clip": lambda: train(model, narrow, vae, recipe()),
        "caption": lambda: train(model, clip, vae, token, subject=picture_set(2, "critter", "sks")),
        "file": lambda: train(model, clip, vae, recipe(), prefix="a file/x"),
        "folder": lambda: train(model, clip, vae, recipe(), prefix="loras/"),
        "dot": lambda: train(model, clip, vae, recipe(), prefix="loras/.."),
    }
    found = {}
    for name, run in cases.items():
        forget()
        try:
            run()
        except ValueError as error:
            found[name] = str(error)
    return {**found, "trained": [path.name for path in STATES.glob("*")]}


def wrong_names() -> list[str]:
    """Names are refused before the training."""
    found = []
    for prefix in ("../outside", "loras/" + "n" * 300):
        try:
            train(model, clip, vae, recipe(steps=10**6), prefix=prefix)
        except ValueError as error:
            found.append(str(error))
    return found


def adapters() -> int:
    """The number of LoRA layers in memory."""
    gc.collect()
    return sum(type(one).__name__ == "LoraAdapter" for one in gc.get_objects())


def node() -> dict[str, Any]:
    """The node itself, with its defaults but for the size of the work."""
    forget()
    declared = train_node.TipoDreamBoothTrain.define_schema()
    values = {one.id: getattr(one, "default", None) for one in declared.inputs}
    values |= {"steps": 2, "sample_prompts": "sks critter\n\ncritter", "sample_every": 1}
    values |= {"sample_steps": 2, "filename_prefix": "loras/node"}
    links = {"model": model, "clip": clip, "vae": vae, "dataset": picture_set(2, "sks critter")}
    with torch.inference_mode():
        out = train_node.TipoDreamBoothTrain.execute(**{**values, **links})
        alone = train_node.TipoDreamBoothTrain.execute(
            **{**values, **links, "sample_prompts": "", "class_images": picture_set(2, "critter")}
        )
    return {
        "kinds": [type(one).__name__ for one in out.args],
        "outputs": [one.id for one in declared.outputs],
        "report": out.args[3],
        "chart": list(out.args[4].shape),
        "samples": list(out.args[5].shape),
        "without samples": alone.args[5] is alone.args[4],
        **state(),
    }


def is_dynamic() -> bool:
    """Whether patches apply on the way to a device, which a CPU is not (DynamicVRAM)."""
    return bool(getattr(model, "is_dynamic", bool)())


PARTS = {
    "dynamic": is_dynamic,
    "names": wrong_names,
    "left adapters": adapters,
    "kinds": kinds,
    "resumed": resumed,
    "errors": errors,
    "files": files,
    "node": node,
    "states": states,
    "one block": one_block,
    "wrong links": wrong_links,
}
results = {name: part() for name, part in PARTS.items()}
print(json.dumps({**results, "left adapters": adapters()}))
