"""The index of a model that is divided among several safetensors files."""

from __future__ import annotations

import json
from pathlib import Path

from ...surrogates import shortened


def shard_paths(index: Path) -> dict[str, Path]:
    """Return the shard of each tensor according to the file `index`.

    Raises ValueError, naming the file, if it is not such an index or names a file outside its own
    folder.
    """
    try:
        placed = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        names = {str(tensor): str(shard) for tensor, shard in placed.items()}
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{index} is not valid JSON ({error}): copy it again") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{index} is not an index of safetensors files ({shortened(error)}): copy it again"
        ) from error
    for shard in names.values():
        # A plain file name on Windows and elsewhere, so that no file outside the folder is read.
        if not shard.endswith(".safetensors") or any(mark in shard for mark in ("/", "\\", ":")):
            raise ValueError(
                f"{index} names {shortened(shard)}, which is not a safetensors file in its own "
                "folder: copy the index again"
            )
    return {tensor: index.parent / shard for tensor, shard in names.items()}
