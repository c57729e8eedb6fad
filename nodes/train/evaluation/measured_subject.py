"""The scores of a subject's pictures with the encoders that are connected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ....tipo_core.evaluate.subject.prompt_groups import PromptGroups
from ....tipo_core.evaluate.subject.score_report import SubjectScores
from ....tipo_core.evaluate.subject.subject_scores import (
    PromptFidelity,
    class_likeness,
    diversity,
    likeness,
    prompt_fidelity,
)
from .vision_features import picture_features, prompt_features

_CLIP_IN_PLACE = "no dino: prior preservation and diversity are measured with clip_vision"


@dataclass(frozen=True)
class Pictures:
    """Pictures (`H, W, 3` in 0..1): drawn and real ones of the subject, and of the class."""

    drawn: Sequence[torch.Tensor]
    real: Sequence[torch.Tensor]
    of_class: Sequence[torch.Tensor] = ()
    class_before: Sequence[torch.Tensor] = ()


@dataclass(frozen=True)
class Encoders:
    """CLIP_VISION of DINO and of CLIP, and CLIP's text encoder; each may be None."""

    dino: Any = None
    clip_vision: Any = None
    clip: Any = None


def measured_scores(
    pictures: Pictures, groups: PromptGroups, prompts: Sequence[str], encoders: Encoders
) -> tuple[SubjectScores, list[str]]:
    """Return the scores, and notes on what was left out or replaced.

    `prompts` are those of `groups` as CLIP reads them. Raises ValueError without an encoder.
    """
    main = encoders.dino if encoders.dino is not None else encoders.clip_vision
    if main is None:
        raise ValueError(
            "no encoder is connected: connect dino or clip_vision, from Load CLIP Vision"
        )
    notes = [] if encoders.dino is not None else [_CLIP_IN_PLACE]
    drawn, real = (picture_features(main, some) for some in (pictures.drawn, pictures.real))
    found, clip_i, drawn_clip = likeness(drawn, real), None, drawn
    if encoders.dino is None:
        clip_i = found
    elif encoders.clip_vision is not None:
        drawn_clip = picture_features(encoders.clip_vision, pictures.drawn)
        clip_i = likeness(drawn_clip, picture_features(encoders.clip_vision, pictures.real))
    clip_t: PromptFidelity | None = None
    if encoders.clip is not None:
        if encoders.clip_vision is None:
            notes.append("no CLIP-T: connect clip_vision, the other half of clip")
        elif not any(prompts):
            notes.append("no CLIP-T: prompts is empty")
        else:
            texts = prompt_features(encoders.clip, prompts, drawn_clip.shape[1])
            clip_t = prompt_fidelity(drawn_clip, texts, groups.prompt_of)
    prior, before = (
        class_likeness(picture_features(main, some), real) if some else None
        for some in (pictures.of_class, pictures.class_before)
    )
    scores = SubjectScores(
        pictures=len(pictures.drawn),
        real_pictures=len(pictures.real),
        prompts=len(groups.prompts),
        dino=found if encoders.dino is not None else None,
        clip_i=clip_i,
        clip_t=clip_t,
        prior=prior,
        prior_before=before,
        diversity=diversity(drawn, groups.prompt_of),
    )
    return scores, notes
