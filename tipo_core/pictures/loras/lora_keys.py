"""The tensors of a LoRA file that belong to a model, and the model that they were made for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

# Diffusers' older files write "name_lora.up.weight" and "name.processor.to_q_lora.up.weight".
_JOINED = "_lora"
# Part of a key -> the models that have such keys. The first one that is found counts.
_MODELS = (
    ("lora_te3_", "SD3"),
    ("joint_blocks", "SD3"),
    ("lora_te2_", "SDXL"),
    ("text_encoder_2.", "SDXL"),
    ("lora_unet_input_blocks_4_1_transformer_blocks_1", "SDXL"),
    ("single_transformer_blocks", "Flux"),
    ("double_blocks", "Flux"),
    ("img_mod", "Qwen-Image"),
    ("cross_attn_k", "Wan"),
    ("cross_attn.k", "Wan"),
    ("lora_te_text_model", "SD1.x or SD2.x"),
    ("lora_unet_down_blocks", "SD1.x or SD2.x"),
)
_METADATA = ("modelspec.architecture", "ss_base_model_version")
_LONGEST_SHOWN = 60  # characters


def matching_keys(names: Iterable[str], modules: Collection[str]) -> list[str]:
    """Return the names of tensors that belong to one of the modules.

    A tensor's name is that of its module and an ending, such as ".lora_up.weight" or ".alpha".
    """
    return [name for name in names if any(part in modules for part in _module_names(name))]


def _module_names(name: str) -> Iterable[str]:
    end = name.rfind(".")
    while end > 0:
        part = name[:end]
        yield part
        if part.endswith(_JOINED):
            yield part.removesuffix(_JOINED)
        end = name.rfind(".", 0, end)


def made_for(names: Collection[str], metadata: Mapping[str, str]) -> str:
    """Return the model of a LoRA file as its metadata and the names of its tensors tell it."""
    said = next((metadata[key] for key in _METADATA if metadata.get(key)), "")
    guess = next((model for part, model in _MODELS if any(part in name for name in names)), "")
    if said and guess:
        return f"for {guess} ('{said[:_LONGEST_SHOWN]}')"
    if said:
        return f"for '{said[:_LONGEST_SHOWN]}'"
    if guess:
        return f"for {guess}"
    return f"such as '{next(iter(names), '')[:_LONGEST_SHOWN]}'"
