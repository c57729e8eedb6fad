"""A training in ComfyUI: data, losses and samples, with the trained layers in the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from ...tipo_core.dreambooth.batch_order import BatchOrder
from ...tipo_core.dreambooth.dataset.rare_tokens import has_token
from ...tipo_core.dreambooth.noise_levels import draw_noise, draw_sigmas
from ...tipo_core.dreambooth.objective import Loss, dreambooth_loss, errors, min_snr_factors
from ...tipo_core.dreambooth.private_generators import generator_of
from ...tipo_core.dreambooth.training_pictures import PictureSet, TrainingPicture
from ...tipo_core.dreambooth.training_recipe import NOTHING, TOKEN, TrainingRecipe
from ...tipo_core.memory import is_out_of_memory
from .. import memory
from .activation_counter import PROBED_SIDE, ActivationCounter, Activations
from .caption_conditions import CaptionEncoder, model_conditions
from .injected_layers import INJECTION, InjectedLayers, checkpointed_blocks, weights_of
from .trained_model import TrainedModel
from .trained_parts import new_parts

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class EncodedSet:
    """The pictures of a set with their latents (`C, ...`, as the model takes them)."""

    pictures: tuple[TrainingPicture, ...]
    latents: tuple[torch.Tensor, ...]
    order: BatchOrder


def _check_token(recipe: TrainingRecipe, subject: PictureSet) -> None:
    """Raise ValueError where the token alone is trained and a caption lacks it."""
    if recipe.text_encoder != TOKEN or recipe.unet != NOTHING or not subject.token:
        return
    lacking = [one.name for one in subject.pictures if not has_token(one.caption, subject.token)]
    if lacking:
        raise ValueError(
            f"only the token {subject.token!r} is trained, and captions lack it: "
            f"{', '.join(lacking[:5])}. Write it into them, or train a lora too"
        )


@contextmanager
def _named_mismatch() -> Iterator[None]:
    """Name the links where torch names only sizes of matrices."""
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error) or "shape" not in str(error):
            raise
        raise ValueError(
            "the model cannot read the conditions of clip: connect the CLIP that belongs to the "
            f"model ({error})"
        ) from error


class TrainingSession:
    """One training of clones of a model and a CLIP, which share the originals' weights.

    `subject` and `class_set` are the pictures; `class_set` None trains without the prior. All
    methods run outside inference mode, see `training_mode`.
    """

    def __init__(
        self,
        model: Any,
        clip: Any,
        vae: Any,
        subject: PictureSet,
        class_set: PictureSet | None,
        recipe: TrainingRecipe,
    ) -> None:
        self.recipe, self._working_memory = recipe, 0
        _check_token(recipe, subject)
        self.model, self.clip = model.clone(), clip.clone()
        self._set_precision()
        self._trained_model = TrainedModel(self.model)
        self._subject = self._encoded(vae, subject, "subject")
        self._class = self._encoded(vae, class_set, "class") if class_set else None
        self.load()
        self.parts = new_parts(recipe, self.model, self.clip, subject.token)
        self.parts.to(self.model.load_device)
        trains_text = recipe.text_encoder != NOTHING
        self.captions = CaptionEncoder(self.clip, trains_text, self.parts.vectors)
        self._arguments: dict[tuple[str, int], dict[str, Any]] = {}

    def _set_precision(self) -> None:
        wanted = _DTYPES[self.recipe.precision]
        now = self.model.get_model_object("manual_cast_dtype") or self.model.model_dtype()
        if now != wanted:
            self.model.set_model_compute_dtype(wanted)

    def _encoded(self, vae: Any, pictures: PictureSet, purpose: str) -> EncodedSet:
        latents = []
        for picture in pictures.pictures:
            memory.check_interrupt()
            with torch.no_grad():
                latent = (
                    vae.encode(picture.content[None, :, :, :3])[0]
                    if picture.latent is None
                    else picture.latent
                )
                # A copy: the value of a link is an inference tensor.
                self._check_latent(latent, picture.name)
                scaled = self.model.model.process_latent_in(latent.float().clone()[None])[0]
            latents.append(scaled.cpu())
        shapes = [latent.shape for latent in latents]
        recipe = self.recipe
        order = BatchOrder(shapes, recipe.batch_size, pictures.repeats, recipe.seed, purpose)
        return EncodedSet(pictures.pictures, tuple(latents), order)

    def _check_latent(self, latent: torch.Tensor, name: str) -> None:
        channels = self.model.get_model_object("latent_format").latent_channels
        if len(latent) != channels:
            raise ValueError(
                f"the latent of {name} has {len(latent)} channels, and the model takes {channels}: "
                "connect the VAE that belongs to the model"
            )
        if not bool(latent.isfinite().all()):
            raise ValueError(
                f"the VAE gives NaN or infinite values for {name}: connect another VAE of this "
                "model, or load it with Load VAE in fp32"
            )

    def reserve(self, working_memory: int) -> None:
        """Leave so many bytes free besides the models from the next load on."""
        self._working_memory = working_memory

    def load(self) -> None:
        """Load the models onto their devices, as after something else needed the memory."""
        memory.load_for_training([self.model, self.clip.patcher], self._working_memory)

    @property
    def latent_shape(self) -> torch.Size:
        """The shape `C, ...` of the latent of the subject's first picture."""
        return self._subject.latents[0].shape

    def go_on(self) -> None:
        """Load the models again after pictures were drawn or decoded."""
        self.load()
        self.model.pre_run()

    @contextmanager
    def injected(self, checkpointing: bool = True) -> Iterator[None]:
        """Put the trained layers into the models for a while; they are out of them afterwards."""
        blocks: tuple[torch.nn.Module, ...] = ()
        if self.recipe.checkpointing and checkpointing:
            blocks = checkpointed_blocks(self.model.model.diffusion_model)
        injections = [(self.model, InjectedLayers(self.model.model, self.parts.unet, blocks))]
        if self.recipe.text_encoder != NOTHING:
            text = InjectedLayers(self.clip.cond_stage_model, self.parts.text, adds_in_place=True)
            injections.append((self.clip.patcher, text))
        try:
            for patcher, layers in injections:
                patcher.set_injections(INJECTION, [layers.as_injection()])
            self.go_on()
            yield
        finally:
            self.model.cleanup()
            for patcher, layers in injections:
                patcher.eject_model()
                patcher.remove_injections(INJECTION)
                layers.eject()

    def loss(self, step: int, place: int) -> Loss:
        """Return the loss of one accumulated batch of a step: subject's half and class half."""
        memory.check_interrupt()
        recipe = self.recipe
        number = step * recipe.accumulation + place
        chosen = self._chosen(number)
        latents = [half.latents[n] for half, n in chosen]
        generator = generator_of(recipe.seed, "noise", number)
        schedule = self._trained_model.schedule
        sigmas = draw_sigmas(schedule, len(chosen), recipe.timesteps, generator)
        shapes = [latent.shape for latent in latents]
        noises = draw_noise(shapes, recipe.noise_offset, generator)
        predicted = self._trained_model.denoised(
            latents, noises, sigmas, self._arguments_of(chosen)
        )
        device = predicted[0].device
        found = torch.cat(
            [
                errors(
                    schedule.prediction,
                    one[None],
                    latent.to(device)[None],
                    sigma.to(device)[None],
                    schedule.sigma_data,
                )
                for one, latent, sigma in zip(predicted, latents, sigmas, strict=True)
            ]
        )
        first = recipe.batch_size
        factors = None
        if recipe.min_snr_gamma:
            factors = min_snr_factors(
                schedule.prediction,
                sigmas[:first].to(device),
                recipe.min_snr_gamma,
                schedule.sigma_data,
            )
        prior = found[first:] if self._class is not None else None
        return dreambooth_loss(found[:first], factors, prior, recipe.prior_weight)

    def _chosen(self, number: int) -> list[tuple[EncodedSet, int]]:
        """Return the pictures of a batch: the subject's, then the class's."""
        halves = [one for one in (self._subject, self._class) if one is not None]
        return [(half, n) for half in halves for n in half.order.batch(number)]

    def activation_bytes(self) -> Activations:
        """Return the memory that the activations of the largest batch need.

        It is counted on small pieces of the first batch, without keeping anything, and grows with
        the area of the latents.
        """
        counted = ActivationCounter()
        chosen = self._chosen(0)
        with self.injected(checkpointing=False), _named_mismatch():
            with counted.counting("text"):
                arguments = self._arguments_of(chosen)
            latents = [half.latents[n] for half, n in chosen]
            pieces = [one[..., :PROBED_SIDE, :PROBED_SIDE] for one in latents]
            sigmas = self._trained_model.schedule.sigmas[:1].expand(len(pieces))
            noises = [torch.zeros_like(one) for one in pieces]
            blocks = checkpointed_blocks(self.model.model.diffusion_model)
            with counted.counting("model"), counted.blocks(blocks):
                self._trained_model.denoised(pieces, noises, sigmas, arguments)
        self._arguments.clear()
        halves = [one for one in (self._subject, self._class) if one is not None]
        largest = sum(max(one.numel() for one in half.latents) for half in halves)
        probed = sum(one.numel() for one in pieces) / self.recipe.batch_size
        return counted.scaled(largest / probed)

    def _arguments_of(self, chosen: Sequence[tuple[EncodedSet, int]]) -> list[dict[str, Any]]:
        trains_text = self.recipe.text_encoder != NOTHING
        conditions = self.captions.encode([half.pictures[n].caption for half, n in chosen])
        arguments = []
        for half, n in chosen:
            picture, key = half.pictures[n], ("class" if half is self._class else "subject", n)
            if trains_text or key not in self._arguments:
                self._arguments[key] = model_conditions(
                    self.model.model,
                    conditions[picture.caption],
                    picture,
                    half.latents[n],
                    self.model.load_device,
                )
            arguments.append(self._arguments[key])
        if trains_text:
            self._arguments.clear()
        return arguments

    def original(self, layer: str) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return weight and bias of a layer that was trained in full, as the model has them."""
        model = self.model.model if layer in self.parts.unet else self.clip.cond_stage_model
        return weights_of(model.get_submodule(layer))
