"""LoRAs applied by ComfyUI: as patches of a model and CLIP, and as hooks where they change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import comfy.hooks
import comfy.lora
import comfy.sd

from ...tipo_core.pictures.loras.lora_keys import made_for, matching_keys
from ...tipo_core.pictures.loras.lora_report import AppliedLora
from ...tipo_core.pictures.loras.lora_schedule import LoraUse, keyframes
from ..image.lora_steps import StepKeyframe
from .lora_files import LoraFile, read_lora


class Patched(NamedTuple):
    """The model and CLIP with LoRAs, the hooks of scheduled LoRAs or None, and a record of each."""

    model: Any
    clip: Any
    hooks: Any
    applied: list[AppliedLora]


def apply_loras(model: Any, clip: Any, uses: Sequence[LoraUse]) -> Patched:
    """Return clones of a model and CLIP with LoRAs; `clip` may be None.

    A LoRA of constant weights equals core's Load LoRA node to the bit. The hooks of the others are
    also on the CLIP, as with core's Set CLIP Hooks with both switches on.
    Raises ValueError for a damaged file.
    """
    known_model = comfy.lora.model_lora_keys_unet(model.model, {})
    known_clip = comfy.lora.model_lora_keys_clip(clip.cond_stage_model, {}) if clip else {}
    files: dict[str, LoraFile] = {}
    scheduled: list[Any] = []
    applied = []
    for use in uses:
        lora = files.get(use.file) or read_lora(use.file)
        if use.ranges:
            files[use.file] = lora  # one weight for each time
            scheduled.append(_hook(lora, use))
        else:
            model, clip = comfy.sd.load_lora_for_models(
                model, clip, lora.tensors, use.model, use.clip
            )
        names = lora.tensors.keys()
        in_model = len(matching_keys(names, known_model))
        in_clip = len(matching_keys(names, known_clip))
        origin = "" if in_model or in_clip else made_for(names, lora.metadata)
        applied.append(AppliedLora(use, len(names), in_model, in_clip, origin, clip is not None))
    if not scheduled:
        return Patched(model, clip, None, applied)
    hooks = scheduled[0]
    for other in scheduled[1:]:
        hooks = hooks.clone_and_combine(other)
    return Patched(model, _with_hooks(clip, hooks), hooks, applied)


def _hook(lora: LoraFile, use: LoraUse) -> Any:
    """Return core's hooks of a LoRA that is on in the ranges of `use`."""
    frames = comfy.hooks.HookKeyframeGroup()
    for frame in keyframes(use):
        frames.add(StepKeyframe(frame, use.steps))
    hooks = comfy.hooks.create_hook_lora(
        lora=lora.tensors, strength_model=use.model, strength_clip=use.clip
    )
    hooks.set_keyframes_on_hooks(frames)
    return hooks


def _with_hooks(clip: Any, hooks: Any) -> Any:
    """Return a clone of a CLIP with hooks added, on its own weights and on its conditioning.

    Core's node does it: newer ComfyUI needs another kind of clone for hooks.
    """
    if clip is None:
        return None
    # Imported here: ComfyUI loads its extra nodes after its own modules.
    from comfy_extras.nodes_hooks import SetClipHooks

    on_conds, on_clip = clip.apply_hooks_to_conds, clip.patcher.forced_hooks
    combined = on_conds.clone_and_combine(hooks) if on_conds else hooks
    (clip,) = SetClipHooks().apply_hooks(
        clip, schedule_clip=True, apply_to_conds=True, hooks=combined
    )
    if on_clip:
        clip.patcher.forced_hooks = on_clip.clone_and_combine(hooks)
    return clip
