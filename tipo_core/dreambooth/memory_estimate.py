"""How much memory a training needs besides the model's own weights."""

from __future__ import annotations

from dataclasses import dataclass

from ..units import bytes_text
from .training_recipe import TrainingRecipe

# Bytes of the optimizer for each trained value; AdamW keeps two moments in fp32.
_OPTIMIZER_BYTES = {
    "AdamW8bit": 2,
    "Lion8bit": 1,
    "Lion": 4,
    "SGD": 0,
    "RMSprop": 4,
    "Adafactor": 1,
    "Prodigy": 16,
}
_WEIGHT_AND_GRADIENT = 8


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes of the trained values (with gradients, optimizer, average) and of the activations."""

    trained: int
    activations: int
    checkpointed: int  # the activations with checkpointing

    @property
    def total(self) -> int:
        """All bytes besides the model's weights."""
        return self.trained + self.activations


def estimate_memory(
    recipe: TrainingRecipe, trained_values: int, kept: int, checkpointed: int
) -> MemoryEstimate:
    """Return the estimate for a recipe.

    `kept` and `checkpointed` are the bytes of a batch's activations without and with checkpointing.
    """
    of_each = _WEIGHT_AND_GRADIENT + _OPTIMIZER_BYTES.get(recipe.optimizer, 8)
    of_each += 4 if recipe.ema_decay else 0
    activations = checkpointed if recipe.checkpointing else kept
    return MemoryEstimate(trained_values * of_each, activations, checkpointed)


def memory_advice(recipe: TrainingRecipe, estimate: MemoryEstimate, device: str, free: int) -> str:
    """Return the text of an error for a device whose memory ran out."""
    remedies = []
    if not recipe.checkpointing:
        saved = bytes_text(max(estimate.activations - estimate.checkpointed, 0))
        remedies.append(f"turn gradient_checkpointing on (saves about {saved})")
    if recipe.batch_size > 1:
        each = bytes_text(int(estimate.activations / recipe.batch_size))
        remedies.append(
            f"lower batch_size {recipe.batch_size} and raise accumulation (each picture less saves "
            f"about {each})"
        )
    if "full" in (recipe.unet, recipe.text_encoder):
        remedies.append(f"train a lora (saves nearly all of {bytes_text(estimate.trained)})")
    if recipe.optimizer == "AdamW":
        remedies.append("choose an 8-bit optimizer (saves 6 bytes for each trained value)")
    remedies.append("use smaller pictures")
    return (
        f"{device} has too little memory for this training: it needs about "
        f"{bytes_text(estimate.total)} besides the model ({bytes_text(estimate.trained)} for the "
        f"trained weights, {bytes_text(estimate.activations)} for activations), and "
        f"{bytes_text(free)} were free. Remedies: {'; '.join(remedies)}. "
        "The steps that were done are saved."
    )
