"""All numbers of a training run of toy-sd."""

from __future__ import annotations

from dataclasses import dataclass

from ..drawings.styles import STYLES


@dataclass(frozen=True)
class Recipe:
    """The numbers of a run; the defaults made the weights that ship, on a GPU.

    Sides are in pixels, a multiple of 8.

    `styles` are names separated by commas, or "all". With `prompts` above 0 each drawing has that
    many prompts, encoded once and kept (118 kB each); with 0 each step draws a new prompt.
    """

    side: int = 128
    styles: str = "all"
    drawings: int = 24_000
    prompts: int = 0
    vae_width: int = 64
    vae_steps: int = 3000
    vae_batch: int = 64
    vae_rate: float = 6e-4
    width: int = 320
    steps: int = 2200
    batch: int = 192
    rate: float = 4e-4
    warmup: int = 500
    final_share: float = 0.05
    weight_decay: float = 0.01
    ema: float = 0.999
    drop_text: float = 0.1
    gamma: float = 5.0
    floor: float = 0.25
    log_every: int = 100
    keep_every: int = 1000
    grid_every: int = 2000
    cfg: float = 5.0
    grid_steps: int = 20
    seed: int = 20261125
    bf16: int = 1
    threads: int = 0
    workers: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for a side or a style that cannot be drawn."""
        if self.side < 16 or self.side % 8:
            raise ValueError(f"a side of {self.side} pixels: give a multiple of 8, at least 16")
        for name in self.style_names:
            if name not in STYLES:
                raise ValueError(f"there is no style {name!r}: choose from {', '.join(STYLES)}")

    @property
    def style_names(self) -> tuple[str, ...]:
        """The styles that are drawn."""
        if self.styles == "all":
            return tuple(STYLES)
        return tuple(name.strip() for name in self.styles.split(","))
