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
    """Return the text of an error for a device whose memory ran out.

    An estimate of 0 says that memory ran out before there was one.
    """
    remedies = []
    if not recipe.checkpointing and estimate.total:
        saved = bytes_text(max(estimate.activations - estimate.checkpointed, 0))
        remedies.append(f"turn gradient_checkpointing on (saves about {saved})")
    if recipe.batch_size > 1 and estimate.total:
        each = bytes_text(int(estimate.activations / recipe.batch_size))
        remedies.append(
            f"lower batch_size {recipe.batch_size} and raise accumulation (each picture less saves "
            f"about {each})"
        )
    if "full" in (recipe.unet, recipe.text_encoder):
        saved = f" (saves nearly all of {bytes_text(estimate.trained)})" if estimate.total else ""
        remedies.append(f"train a lora{saved}")
    if recipe.optimizer == "AdamW":
        remedies.append("choose an 8-bit optimizer (saves 6 bytes for each trained value)")
    remedies.append("use smaller pictures")
    needs = (
        f"it needs about {bytes_text(estimate.total)} besides the model "
        f"({bytes_text(estimate.trained)} for the trained weights, "
        f"{bytes_text(estimate.activations)} for activations), and {bytes_text(free)} were free"
        if estimate.total
        else f"the model and the weights to train need more than the {bytes_text(free)} that "
        "were free"
    )
    return (
        f"{device} has too little memory for this training: {needs}. "
        f"Remedies: {'; '.join(remedies)}. The steps that were done are saved."
    )
