"""DreamBooth Dataset and Class Images inside ComfyUI with toy-sd; prints the results as JSON.

The argument is toy-sd's checkpoint. Run by test_training_pictures.py (see inside.py).
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import comfy.model_management as management
import comfy.sample
import folder_paths
import torch
from PIL import Image

from nodes import EmptyLatentImage, common_ksampler
from tests.host.train.training_tools import load, recipe, train

dataset_node = importlib.import_module("pack.nodes.train.dataset.dreambooth_dataset")
class_node = importlib.import_module("pack.nodes.train.dataset.class_images")
drawing = importlib.import_module("pack.nodes.train.dataset.class_drawing")
store_module = importlib.import_module("pack.tipo_core.dreambooth.dataset.class_image_store")
Dataset, ClassImages = dataset_node.TipoDreamBoothDataset, class_node.TipoClassImages
INPUT, OUTPUT = (
    Path(folder_paths.get_input_directory()),
    Path(folder_paths.get_output_directory()),
)
CLASSES = OUTPUT / "tipo-class-images"
model, clip, vae = load(sys.argv[1])


def put(folder: Path, count: int, size: tuple[int, int] = (96, 64)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        colour = (40 * number, 255 - 30 * number, 90)
        image = Image.new("RGB", size, colour)
        image.paste((255, 255, 255), (number * 9, 10, number * 9 + 20, 40))
        image.save(folder / f"{number}.png")
    return folder


def run_dataset(**changed: Any) -> Any:
    values: dict[str, Any] = {
        "folder": "example: sks critter", "token": "sks", "prompt": "sks critter",
        "class_prompt": "", "width": 64, "height": 64, "crop": "center", "buckets": False,
        "captions": True, "repeats": 1, "mirrored": False, "seed": 0,
    }  # fmt: skip
    with torch.inference_mode():
        return Dataset.execute(**values | changed).args


def run_classes(**changed: Any) -> Any:
    values: dict[str, Any] = {
        "model": model, "clip": clip, "vae": vae, "prompt": "critter", "negative": "", "count": 5,
        "seed": 7, "steps": 3, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal",
        "width": 64, "height": 64, "batch_size": 2, "folder": "none",
    }  # fmt: skip
    with torch.inference_mode():
        return ClassImages.execute(**values | changed).args


def error_of(run: Callable[[], Any]) -> str:
    try:
        run()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def datasets() -> dict[str, Any]:
    put(INPUT / "dog" / "best", 4)
    made, sheet, report, of_class = run_dataset(clip=clip)
    found: dict[str, Any] = {
        "example": [len(made.pictures), list(sheet.shape), report.splitlines(), of_class],
        "menu": dataset_node.folder_choices("first"),
        "rare": run_dataset(clip=clip, token="zwx", prompt="zwx critter")[2].splitlines()[4],
    }
    before = Dataset.fingerprint_inputs(folder="dog/best")
    same = Dataset.fingerprint_inputs(folder="dog/best")
    (INPUT / "dog" / "best" / "0.txt").write_text("sks dog")
    captioned = Dataset.fingerprint_inputs(folder="dog/best")
    os.utime(INPUT / "dog" / "best" / "1.png", ns=(1, time.time_ns() + 10**9))
    touched = Dataset.fingerprint_inputs(folder="dog/best")
    found["states"] = [before == same, len({before, captioned, touched})]
    images = torch.rand(2, 64, 96, 4, generator=torch.Generator().manual_seed(0))
    made, *_ = run_dataset(folder="dog/best", images=images, buckets=True, width=512, height=512)
    found["both"] = [[one.name, list(one.content.shape), one.caption] for one in made.pictures]
    only, *_ = run_dataset(folder="none", images=images)
    found["graph"] = len(only.pictures)
    found["problems"] = {
        "out": [Dataset.validate_inputs("../.."), error_of(lambda: run_dataset(folder="../.."))],
        "unknown": [Dataset.validate_inputs("cat"), error_of(lambda: run_dataset(folder="cat"))],
        "nothing": error_of(lambda: run_dataset(folder="none")),
        "token": error_of(lambda: run_dataset(token=" ")),
        "size": error_of(lambda: run_dataset(width=500)),
        "good": [Dataset.validate_inputs(one) for one in (None, "none", "dog/best")],
    }
    return found


def latents_of(pictures: Any) -> torch.Tensor:
    return torch.stack([one.latent for one in pictures.pictures])


def of_ksampler(count: int) -> torch.Tensor:
    """The latents that KSampler draws with an Empty Latent Image of `count`."""
    with torch.inference_mode():
        positive, negative = (
            clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in ("critter", "")
        )
        (latent,) = EmptyLatentImage().generate(64, 64, count)
        (drawn,) = common_ksampler(model, 7, 3, 3.0, "euler", "normal", positive, negative, latent)
    return drawn["samples"].clone()


@contextmanager
def counted(replace: Callable[..., Any] | None = None) -> Iterator[list[int]]:
    """The batch sizes that core's sampling was called with."""
    calls: list[int] = []
    original = comfy.sample.sample

    def sample(model: Any, noise: torch.Tensor, *args: Any, **named: Any) -> Any:
        calls.append(len(noise))
        if replace is not None:
            replace(len(noise), len(calls))
        return original(model, noise, *args, **named)

    comfy.sample.sample = sample
    try:
        yield calls
    finally:
        comfy.sample.sample = original


def forget() -> None:
    for file in CLASSES.glob("*/*"):
        file.unlink()


def names() -> list[str]:
    return sorted(path.name for path in CLASSES.glob("*/*"))


def classes() -> dict[str, Any]:
    found: dict[str, Any] = {}
    with counted() as calls:
        whole, sheet, report = run_classes()
    exact = latents_of(whole)
    found["calls"] = calls
    found["files"], found["report"] = names(), report.splitlines()
    found["sheet"] = list(sheet.shape)
    found["ksampler"] = float((exact - of_ksampler(5)).abs().max())
    found["size"] = float(exact.std())
    with counted() as calls:
        again, _, report = run_classes()
    found["again"] = [calls, torch.equal(latents_of(again), exact), report.splitlines()[1]]
    with counted() as calls:
        more, *_ = run_classes(count=6)
    found["more"] = [calls, torch.equal(latents_of(more)[:5], exact)]
    with counted() as calls:
        fewer, *_ = run_classes(count=2)
    found["fewer"] = [calls, len(fewer.pictures)]
    found["digest"] = [whole.digest == again.digest, whole.digest == more.digest]

    folder = next(CLASSES.iterdir())
    (folder / "00002.png").unlink()
    with counted() as calls:
        replaced, _, report = run_classes(count=6)
    kept = [one.name.rpartition("/")[2] for one in replaced.pictures]
    found["rejected"] = [calls, kept, report.splitlines()[2]]
    with counted() as calls:
        run_classes(count=2, prompt="planet")
    found["other prompt"] = [calls, len(list(CLASSES.iterdir()))]
    with torch.inference_mode():
        patched = model.clone()
        weight = "diffusion_model.input_blocks.0.0.weight"
        value = model.model.state_dict()[weight]
        patched.add_patches({weight: ("diff", (torch.ones_like(value),))}, 0.01)
    with counted() as calls:
        run_classes(count=1, model=patched)
    found["other model"] = [calls, len(list(CLASSES.iterdir()))]
    return found


def cancelled() -> dict[str, Any]:
    forget()
    whole, *_ = run_classes()
    exact = latents_of(whole)
    forget()

    def cancel(count: int, call: int) -> None:
        if call == 2:
            management.interrupt_current_processing(True)

    stopped = ""
    with counted(cancel):
        try:
            run_classes()
        except BaseException as error:
            stopped = type(error).__name__
    management.interrupt_current_processing(False)
    left = names()
    with counted() as calls:
        again, *_ = run_classes()
    return {"stopped": stopped, "left": left, "calls": calls,
            "same": float((latents_of(again) - exact).abs().max())}  # fmt: skip


def faults() -> dict[str, Any]:
    def out_of_memory(count: int, call: int) -> None:
        if count > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")

    def none_at_all(count: int, call: int) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")

    found: dict[str, Any] = {}
    forget()
    with counted(out_of_memory) as calls:
        made, _, report = run_classes(count=3, batch_size=4)
    found["memory"] = [calls, len(made.pictures), report.splitlines()]
    forget()
    with counted(none_at_all):
        found["no memory"] = error_of(run_classes)

    whole = vars(store_module)["write_whole"]

    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".png":
            error = OSError(errno.ENOSPC, "No space left on device")
            raise OSError(f"The picture cannot be saved: the disk is full ({error})")
        whole(path, content)

    vars(store_module)["write_whole"] = full
    found["full disk"] = error_of(run_classes)
    vars(store_module)["write_whole"] = whole
    found["files"] = names()
    forget()
    run_classes(count=2)
    next(CLASSES.glob("*/00001.safetensors")).write_bytes(b"damaged")
    with counted() as calls:
        made, *_ = run_classes(count=2)
    found["damaged"] = [calls, len(made.pictures)]
    found["sampler"] = error_of(lambda: run_classes(sampler_name="nonsense"))
    found["size"] = error_of(lambda: run_classes(width=500))
    return found


def own_pictures() -> dict[str, Any]:
    put(INPUT / "critters", 3)
    with counted() as calls:
        made, _, report = run_classes(folder="critters")
    subject, *_ = run_dataset()
    with torch.inference_mode():
        drawn, *_ = run_classes(count=3)
    losses = []
    for class_set in (made, drawn):
        trained = train(model, clip, vae, recipe(), subject=subject, class_set=class_set)
        losses.append([one.loss for one in trained.records])
    return {"calls": calls, "pictures": [one.caption for one in made.pictures],
            "report": report.splitlines(), "losses": losses}  # fmt: skip


print(
    json.dumps(
        {
            "datasets": datasets(),
            "classes": classes(),
            "cancelled": cancelled(),
            "faults": faults(),
            "own": own_pictures(),
        }
    )
)
