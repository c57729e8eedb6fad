"""Templates to choose from; the language they are written in is in `template`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DEFAULT = "<|user|>, <|added|>\n\n<|extended|>"
_HEAD = "<|special|>, <|characters|>, <|copyrights|>,\n<|artist|>,\n\n"
_FOOT = "<|quality|>, <|meta|>, <|rating|>"
# Named as in the reference pack, so that its users find them.
PRESETS: Mapping[str, str] = MappingProxyType(
    {
        "User first, then added": DEFAULT,
        "tag only (DTG mode)": f"{_HEAD}<|general|>,\n\n{_FOOT}",
        "NL only (Tag to NL)": "<|extended|>.",
        "Both, tag first (recommend)": f"{_HEAD}<|general|>,\n\n<|extended|>.\n\n{_FOOT}",
        "Both, NL first (recommend)": f"{_HEAD}<|extended|>.\n\n<|general|>,\n\n{_FOOT}",
        "Both + generated NL": (
            f"{_HEAD}<|generated|>.\n\n<|general|>,\n\n<|extended|>.\n\n{_FOOT}"
        ),
    }
)
