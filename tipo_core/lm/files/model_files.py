"""Where the parts of a model are on disk: config, weights, tokenizer."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from .shard_index import shard_paths

_INDEX = "model.safetensors.index.json"
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "model.pth")


@dataclass(frozen=True)
class ModelFiles:
    """The paths of one model's parts; no file is opened before one is asked for its shards.

    `path` is a folder in the Hugging Face layout, a `.safetensors` file with its config and its
    tokenizer in the same folder, or a `.gguf` file, which holds all three.
    """

    path: Path

    @property
    def is_gguf(self) -> bool:
        """Whether the model is one GGUF file."""
        return self.path.suffix.lower() == ".gguf" and not self.path.is_dir()

    @property
    def folder(self) -> Path:
        """The folder of all parts."""
        is_file = self.path.suffix.lower() in (".gguf", ".safetensors") and not self.path.is_dir()
        return self.path.parent if is_file else self.path

    @property
    def config(self) -> Path:
        """The config file, whether or not it exists."""
        return self._first_existing(self._config_names)

    @property
    def weights(self) -> Path:
        """The file of the tensors, or the index of several."""
        return self._first_existing(self._weights_names)

    @property
    def tokenizer(self) -> Path:
        """The `tokenizer.json`, or the SentencePiece model if only that exists."""
        return self._first_existing(self._tokenizer_names)

    @property
    def existing(self) -> tuple[Path, ...]:
        """All existing files of the model, shards included: a change of one changes the model."""
        found = [self.config, self.weights, self.tokenizer]
        if self.weights.name == _INDEX and self.weights.is_file():
            with contextlib.suppress(ValueError):  # a damaged index is an error when it is loaded
                found += shard_paths(self.weights).values()
        return tuple(dict.fromkeys(path for path in found if path.is_file()))

    def check(self) -> None:
        """Raise FileNotFoundError if a part is missing, with its name and the folder to put it."""
        for names in (self._config_names, self._weights_names, self._tokenizer_names):
            if self._first_existing(names).is_file():
                continue
            pickle = next((name for name in _PICKLES if (self.folder / name).is_file()), "")
            instead = ""
            if pickle and names == self._weights_names:
                instead = f" ({pickle} is a pickle, which is never opened because it can run code)"
            raise FileNotFoundError(
                f"{' or '.join(names)} of the model {self.path.name!r} is missing{instead}: put it "
                f"into {self.folder}"
            )

    @property
    def _config_names(self) -> tuple[str, ...]:
        return self._names("config.json", own=f"{self.path.stem}.json")

    @property
    def _weights_names(self) -> tuple[str, ...]:
        return ("model.safetensors", _INDEX) if self.folder == self.path else (self.path.name,)

    @property
    def _tokenizer_names(self) -> tuple[str, ...]:
        return self._names("tokenizer.json", "tokenizer.model")

    def _names(self, *names: str, own: str = "") -> tuple[str, ...]:
        """Return the possible names of a part, the preferred one first."""
        if self.is_gguf:
            return (self.path.name,)
        return (own, *names) if own and self.folder != self.path else names

    def _first_existing(self, names: tuple[str, ...]) -> Path:
        """Return the first existing file of `names`, else the preferred one."""
        paths = [self.folder / name for name in names]
        return next((path for path in paths if path.is_file()), paths[0])
