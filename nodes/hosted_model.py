"""A language model under ComfyUI's model management."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.ops
import torch

from ..tipo_core.lm.files.loader import load_llama
from ..tipo_core.lm.files.model_files import ModelFiles
from ..tipo_core.lm.generate.engine import LlamaLanguageModel
from ..tipo_core.lm.generate.sampling_options import SamplingOptions
from ..tipo_core.lm.hub.catalog import NANO
from ..tipo_core.lm.model.precision import Precision
from ..tipo_core.memory import Rescue, with_second_try
from ..tipo_core.units import bytes_text
from . import memory


@dataclass(frozen=True)
class HostedModel:
    """A language model under ComfyUI's model management; the value of a TIPO_MODEL link."""

    name: str
    patcher: Any
    tokenizer: Any
    precision: Precision

    def ready(self, options: SamplingOptions, answers: int = 1) -> LlamaLanguageModel:
        """Return the model with its weights on their device, ready to complete texts.

        ComfyUI first makes room for the weights and for the working memory of `answers` answers.
        If memory runs out, now or in a completion, every other model is unloaded for one retry.
        Raises RuntimeError with the needed memory and the remedies if the retry fails too.
        """

        def model(rescue: Rescue | None = None) -> LlamaLanguageModel:
            return LlamaLanguageModel(
                self.patcher.model,
                self.tokenizer,
                options,
                device=self.patcher.load_device,
                dtype=self.precision.dtype,
                rescue=rescue,
                weights_move=memory.is_dynamic(self.patcher),
                uses_pair_prior=self.name == NANO,
            )

        needed = model().memory_required(answers)

        def load() -> None:
            memory.load(self.patcher, needed)

        def free_device() -> None:
            memory.free_device(self.patcher.load_device)

        def free_device_and_load() -> None:
            free_device()
            load()

        advice = self._memory_advice(needed)
        with_second_try(load, free_device, advice)
        return model(Rescue(free_device_and_load, advice))

    def _memory_advice(self, needed: int) -> str:
        device = self.patcher.load_device
        remedies = ["a smaller model", "precision int8 or fp16"]
        if device.type != "cpu":
            remedies.append("device cpu")
        return (
            f"{device} has too little memory for {self.name}, which needs "
            f"{bytes_text(self.patcher.model_size())} for its weights ({self.precision.name}) and "
            f"up to {bytes_text(needed)} for a run: choose {', '.join(remedies[:-1])} or "
            f"{remedies[-1]} in Load TIPO Model, or close other programs that use the memory"
        )


def load_hosted(
    name: str,
    files: ModelFiles,
    precision: Precision,
    load_device: torch.device,
    offload_device: torch.device,
) -> HostedModel:
    """Return the model of `files`, loaded onto the offload device.

    Raises ValueError for a damaged file and RuntimeError if the memory is not sufficient.
    """
    model, tokenizer = with_second_try(
        lambda: load_llama(files, precision=precision, operations=comfy.ops.manual_cast),
        memory.unload_all,
        f"there is too little memory to load {name} ({precision.name}): choose a smaller model or "
        "precision int8 or fp16, or close other programs that use the memory",
    )
    model.to(offload_device)
    patcher = memory.managed(model, load_device, offload_device)
    return HostedModel(name, patcher, tokenizer, precision)
