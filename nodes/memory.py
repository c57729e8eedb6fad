"""ComfyUI's model management, devices, progress and interrupt.

The only file that touches `comfy.model_management` and ComfyUI's patcher classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import comfy.model_management
import comfy.model_patcher
import comfy.utils
import torch

from ..tipo_core.listening import listening, stop_if_abandoned

Result = TypeVar("Result")
_PROGRESS_UNITS = 1000
# More bytes than any device has: free_memory then unloads every model.
_EVERYTHING = 1e30


def device_names(management: Any = comfy.model_management) -> list[str]:
    """Return the choices of a device menu: 'auto', 'cpu' and ComfyUI's accelerators."""
    names = [str(device) for device in _devices(management) if device.type != "cpu"]
    return list(dict.fromkeys(["auto", "cpu", *names]))


def _devices(management: Any) -> list[torch.device]:
    if hasattr(management, "get_all_torch_devices"):  # newer cores
        return list(management.get_all_torch_devices())
    chosen: torch.device = management.get_torch_device()
    backend = getattr(torch, chosen.type, None)
    # torch counts devices of the types cuda (ROCm too), xpu and npu.
    count = getattr(backend, "device_count", None)
    if chosen.index is None or count is None:
        return [chosen]
    return [chosen, *(torch.device(chosen.type, index) for index in range(count()))]


def text_model_devices(name: str) -> tuple[torch.device, torch.device]:
    """Return the load device and the offload device of a text model.

    `name` is one of `device_names`; 'auto' is ComfyUI's choice for text encoders. Raises ValueError
    for another name.
    """
    management = comfy.model_management
    if name == "auto":
        return management.text_encoder_device(), management.text_encoder_offload_device()
    if name in device_names():
        return torch.device(name), torch.device("cpu")
    raise ValueError(f"device {name!r} is not available: choose {', '.join(device_names())}")


def text_model_dtype(device: torch.device) -> torch.dtype:
    """Return ComfyUI's number format for text encoders on a device."""
    dtype: torch.dtype = comfy.model_management.text_encoder_dtype(device)
    return dtype


def vae_device() -> torch.device:
    """Return the device that ComfyUI loads VAEs onto."""
    device: torch.device = comfy.model_management.vae_device()
    return device


def managed(model: Any, load_device: torch.device, offload_device: torch.device) -> Any:
    """Return ComfyUI's patcher of a module, which puts its memory under ComfyUI's management."""
    # Newer cores choose their patcher class at start: look it up at each call.
    patcher_class = getattr(
        comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher
    )
    return patcher_class(model, load_device=load_device, offload_device=offload_device)


def patcher_attributes() -> frozenset[str]:
    """Return the names of the attributes that a patcher sets on the module it manages."""
    module = torch.nn.Module()
    cpu = torch.device("cpu")
    comfy.model_patcher.ModelPatcher(module, load_device=cpu, offload_device=cpu)
    return frozenset(vars(module).keys() - vars(torch.nn.Module()).keys())


def is_dynamic(patcher: Any) -> bool:
    """Return whether ComfyUI may move a model's weights during a run (DynamicVRAM, newer cores)."""
    return bool(getattr(patcher, "is_dynamic", bool)())


def load(patcher: Any, working_memory: int) -> None:
    """Load a model onto its device, and leave `working_memory` bytes free besides its weights."""
    comfy.model_management.load_models_gpu([patcher], memory_required=working_memory)


def training_precision(device: torch.device) -> str:
    """Return the number format in which a training computes on a device: bf16 if it is fast."""
    return "bf16" if comfy.model_management.should_use_bf16(device) else "fp32"


def load_for_training(patchers: Sequence[Any], working_memory: int) -> None:
    """Load models onto their devices, and leave `working_memory` bytes free besides the weights."""
    comfy.model_management.load_models_gpu(list(patchers), memory_required=working_memory)


def free_bytes(device: torch.device) -> int:
    """Return the bytes of memory that are free on a device."""
    return int(comfy.model_management.get_free_memory(device))


def main_memory_free() -> int:
    """Return the bytes of main memory that are free."""
    return free_bytes(torch.device("cpu"))


def free_device(device: torch.device) -> None:
    """Unload every model from a device; a model's weights return at its next run."""
    comfy.model_management.free_memory(_EVERYTHING, device)
    comfy.model_management.soft_empty_cache()


def unload_all() -> None:
    """Unload every model from every device."""
    comfy.model_management.unload_all_models()


def check_interrupt() -> None:
    """Raise ComfyUI's interrupt if the user has cancelled the run."""
    # The thread of the node looks for a cancel while another one reads a long text for it.
    if not stop_if_abandoned():
        comfy.model_management.throw_exception_if_processing_interrupted()


def read_text(work: Callable[[], Result], *texts: str | None) -> Result:
    """Return the result of `work` on texts; a cancel is heard while long texts are read."""
    return listening(work, check_interrupt, sum(len(text) for text in texts if text))


def progress() -> Callable[[float], None]:
    """Return a function that shows the done share, 0 to 1, on the running node.

    It raises ComfyUI's interrupt after a cancel: a run that reports every token stops within one
    token.
    """
    bar = comfy.utils.ProgressBar(_PROGRESS_UNITS)

    def show(share: float) -> None:
        check_interrupt()
        bar.update_absolute(int(share * _PROGRESS_UNITS), _PROGRESS_UNITS)

    return show


def step_progress(total: int) -> Callable[[int, Any], None]:
    """Return a function that shows the done steps on the running node, and a picture or None.

    The picture is a Pillow image. A cancel is not looked for: the steps do it.
    """
    bar = comfy.utils.ProgressBar(total)

    def show(done: int, picture: Any) -> None:
        preview = None if picture is None else ("JPEG", picture, max(picture.size))
        bar.update_absolute(done, total, preview)

    return show


def byte_progress() -> Callable[[int, int], None]:
    """Return a function that shows the done bytes, of a total, on the running node.

    It raises ComfyUI's interrupt after a cancel. The browser gets a message for each thousandth of
    the total, not for each network packet.
    """
    bar = comfy.utils.ProgressBar(0)
    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        check_interrupt()
        if total and done * _PROGRESS_UNITS // total != shown:
            shown = done * _PROGRESS_UNITS // total
            bar.update_absolute(done, total)

    return show
