"""Link types of the pack, and the inputs and outputs that several nodes share."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import comfy.samplers
from comfy_api.latest import io

from ..tipo_core.expansion.tasks import TranslationMode
from ..tipo_core.lm.generate.sampling_options import SamplingOptions
from ..tipo_core.pictures.vae.tiling import AUTO, DEFAULT_OVERLAP, DEFAULT_TILE, TILINGS

TipoModel = io.Custom("TIPO_MODEL")
OptionsType = io.Custom("TIPO_OPTIONS")
BansType = io.Custom("TIPO_BANS")
ExpansionType = io.Custom("TIPO_EXPANSION")
SdxlSizeType = io.Custom("TIPO_SDXL_SIZE")
SweepType = io.Custom("TIPO_SWEEP")
SettingsType = io.Custom("TIPO_SETTINGS")
DatasetType = io.Custom("TIPO_DATASET")
ClassImagesType = io.Custom("TIPO_CLASS_IMAGES")
LoraModelType = io.Custom("LORA_MODEL")  # core's, of Train LoRA and Save LoRA

_DEFAULTS = SamplingOptions()
AUTO_PRIOR = "auto"
PAIR_PRIORS = MappingProxyType({AUTO_PRIOR: None, "on": True, "off": False})


def text_box(name: str, tooltip: str, **options: Any) -> io.String.Input:
    """Return a text input of several lines, empty by default."""
    return io.String.Input(name, multiline=True, tooltip=tooltip, **{"default": "", **options})


def linked_text(name: str, tooltip: str) -> io.String.Input:
    """Return an optional text input without a widget."""
    return io.String.Input(name, optional=True, force_input=True, tooltip=tooltip)


def fraction(name: str, default: float, tooltip: str, **options: Any) -> io.Float.Input:
    """Return an input of a number from 0 to 1."""
    return io.Float.Input(
        name, default=default, min=0.0, max=1.0, step=0.01, tooltip=tooltip, **options
    )


def seed_input(tooltip: str, *, changes: bool = True) -> io.Int.Input:
    """Return a 64-bit seed; with `changes` the front end can change it after each run."""
    return io.Int.Input(
        "seed",
        default=0,
        min=0,
        max=0xFFFFFFFFFFFFFFFF,
        control_after_generate=changes,
        tooltip=tooltip,
    )


def text_seed_input() -> io.Int.Input:
    """Return the seed of a language model's run."""
    return seed_input("The same inputs and seed give the same text; 0 is a seed like any other.")


def model_input(*, is_lazy: bool = False) -> io.Input:
    """Return the input of a language model; a node may leave a lazy one out of its run."""
    tooltip = "Language model from Load TIPO Model."
    return TipoModel.Input("model", tooltip=tooltip, lazy=is_lazy or None)


class ResultInput(io.String.Input):
    """A text whose widget is the box of the result (web/expand/), not a text box."""

    def as_dict(self) -> dict[str, Any]:
        described: dict[str, Any] = super().as_dict()
        return described | {"widgetType": "TIPO_RESULT"}


def pinned_input() -> io.String.Input:
    """Return the input of a stored result, which the page shows and writes."""
    return ResultInput(
        "pinned",
        default="",
        optional=True,
        socketless=True,
        tooltip="The result, and its buttons. A pinned result is used as it is, without the "
        "model, until it is unpinned. For the API: the JSON of a result of this node, or empty.",
    )


def token_sampling_inputs(temperature_max: float, top_k_max: int) -> list[io.Input]:
    """Return temperature, top_p, min_p and top_k; the defaults are those of `SamplingOptions`."""
    return [
        io.Float.Input(
            "temperature",
            default=_DEFAULTS.temperature,
            min=0.0,
            max=temperature_max,
            step=0.01,
            tooltip="Higher values give more surprising text; 0 always takes the likeliest word.",
        ),
        fraction(
            "top_p",
            _DEFAULTS.top_p,
            "Draw only from the likeliest words whose probabilities add up to this share; 1 = all.",
        ),
        fraction(
            "min_p",
            _DEFAULTS.min_p,
            "Leave out words that are less likely than this share of the likeliest word; 0 = none.",
        ),
        io.Int.Input(
            "top_k",
            default=_DEFAULTS.top_k,
            min=0,
            max=top_k_max,
            tooltip="Draw only from this many of the likeliest words; 0 = all.",
        ),
    ]


def options_input(without: str) -> io.Input:
    """Return the input of sampling options; `without` says how it combines with the widgets."""
    return OptionsType.Input(
        "options", optional=True, tooltip=f"From TIPO Sampling Options; {without}"
    )


def bans_input(effect: str) -> io.Input:
    """Return the input of ban rules from another node."""
    return BansType.Input("ban_rules", optional=True, tooltip=f"From TIPO Ban Rules{effect}")


def metadata_inputs(metadata_note: str = "", gen_meta_note: str = "") -> list[io.Input]:
    """Return the inputs of the picture's metadata: given by the user, proposed by the model."""
    return [
        text_box(
            "metadata",
            "Facts about the picture for the model, one 'key: value' per line: rating, artist, "
            f"characters, copyrights, quality, meta, aspect ratio.{metadata_note}",
            optional=True,
        ),
        io.Boolean.Input(
            "gen_meta",
            default=False,
            optional=True,
            tooltip=f"The model proposes the metadata that you did not give.{gen_meta_note}",
        ),
    ]


def _switch(name: str, default: bool, tooltip: str) -> io.Boolean.Input:
    """Return an optional switch."""
    return io.Boolean.Input(name, default=default, optional=True, tooltip=tooltip)


def escape_names_input() -> io.Boolean.Input:
    """Return the switch that escapes parentheses in names."""
    return _switch(
        "escape_names",
        True,
        "Write hatsune miku (append) with \\( and \\), because ComfyUI would read the "
        "parentheses of a name as a weight. Off: your text stays exactly as typed.",
    )


def resolve_choices_input() -> io.Boolean.Input:
    """Return the switch that resolves choices such as {a|b} in the user's texts."""
    return _switch(
        "resolve_choices",
        False,
        "Replace each choice {a|b} in your texts by one of its options, like ComfyUI's own "
        "prompt boxes, but by the seed. Off: choices stay as typed.",
    )


def at_least_input() -> io.Boolean.Input:
    """Return the switch that makes a length a lower bound too."""
    return _switch(
        "at_least",
        False,
        "On: tags and captions must reach the chosen length. Off: the length is an upper "
        "bound, and a part ends where nothing fits any more.",
    )


def pair_prior_input() -> io.Combo.Input:
    """Return the choice whether counted pairs of tags guide the model."""
    return io.Combo.Input(
        "pair_prior",
        options=list(PAIR_PRIORS),
        default=AUTO_PRIOR,
        optional=True,
        tooltip="Tags that go together in pictures are proposed and preferred, tags that fit "
        "nothing in the prompt are left out. auto: on for tipo-nano, off for larger models.",
    )


def pair_prior_of(choice: str) -> bool | None:
    """Return the value of a menu entry. Raises ValueError for an unknown one."""
    check_choice("pair_prior", choice, list(PAIR_PRIORS))
    return PAIR_PRIORS[choice]


def translation_input() -> io.Combo.Input:
    """Return the menu of what becomes of words in other languages."""
    return io.Combo.Input(
        "translation",
        options=[mode.value for mode in TranslationMode],
        default=TranslationMode.ADD_TAGS.value,
        optional=True,
        tooltip="Chinese, Japanese, Korean and Russian words, as tags of a dictionary. add_tags "
        "writes the tags after your text, which stays. replace writes them in place of the words. "
        "model_only: the model reads them, your text stays alone. off: no dictionary.",
    )


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise ValueError for a value that the menu `name` does not have; 0.3.75 lets it pass."""
    if value not in choices:
        raise ValueError(f"{name} {value!r} is unknown: choose {', '.join(choices)}")


def sampler_choices() -> dict[str, list[str]]:
    """Return the names that ComfyUI's menus of samplers and schedulers offer."""
    return {
        "sampler_name": comfy.samplers.KSampler.SAMPLERS,
        "scheduler": comfy.samplers.KSampler.SCHEDULERS,
    }


def sampling_inputs(
    *,
    seed: str,
    steps: str,
    cfg: str,
    sampler_name: str,
    scheduler: str,
    seed_changes: bool = True,
) -> list[io.Input]:
    """Return core's sampling inputs in KSampler's order; the arguments are their tooltips.

    With `seed_changes` the front end can change the seed after each run.
    """
    choices = sampler_choices()
    return [
        seed_input(seed, changes=seed_changes),
        io.Int.Input("steps", default=20, min=1, max=10000, tooltip=steps),
        cfg_input("cfg", default=8.0, tooltip=cfg),
        io.Combo.Input("sampler_name", options=choices["sampler_name"], tooltip=sampler_name),
        io.Combo.Input("scheduler", options=choices["scheduler"], tooltip=scheduler),
    ]


def cfg_input(name: str, **options: Any) -> io.Float.Input:
    """Return an input of a guidance scale up to 100."""
    return io.Float.Input(name, **{"min": 0.0, "max": 100.0, "step": 0.1, "round": 0.01, **options})


def clip_skip_input(tooltip: str) -> io.Int.Input:
    """Return the clip skip: 0 is the model's own layer, negative numbers are ComfyUI's."""
    return io.Int.Input("clip_skip", default=0, min=-24, max=24, tooltip=tooltip)


def tiling_inputs(verb: str) -> list[io.Input]:
    """Return the inputs of `Tiling` for a node that decodes or encodes (the verb)."""
    return [
        io.Combo.Input(
            "tiling",
            options=list(TILINGS),
            default=AUTO,
            optional=True,
            tooltip=f"auto {verb}s the picture in one piece. If memory runs out, it uses strips, "
            "which give the same picture (VAEs of SD, SDXL, SD3, Flux), and then tiles, which "
            "differ a little. always uses tiles, strips uses strips. never uses neither and fails "
            "if memory runs out.",
        ),
        io.Int.Input(
            "tile_size",
            default=DEFAULT_TILE,
            min=64,
            max=4096,
            step=64,
            optional=True,
            tooltip="Side of a tile in pixels; a strip has the same number of pixels. Smaller "
            "tiles need less memory, but colours may differ from tile to tile. If memory runs out, "
            "the side is halved, down to 128.",
        ),
        io.Int.Input(
            "overlap",
            default=DEFAULT_OVERLAP,
            min=0,
            max=4096,
            step=32,
            optional=True,
            tooltip="Overlap of neighbouring tiles in pixels, where they fade into each other. At "
            "most a quarter of the tile is used.",
        ),
    ]


def text_output(
    name: str, display_name: str, tooltip: str, *, is_list: bool = False
) -> io.String.Output:
    """Return an output of text; with `is_list` it has one entry per variant."""
    return io.String.Output(
        name, display_name=display_name, is_output_list=is_list, tooltip=tooltip
    )


def report_output(tooltip: str) -> io.String.Output:
    """Return the output of a node's report, which the node also shows."""
    return text_output("report", "report", tooltip)
