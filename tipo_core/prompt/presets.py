"""Templates to choose from, in the language of `template`.

They have a file of their own because the nodes read them when ComfyUI starts: `template` loads the
parser and compiles its patterns.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DEFAULT_TEMPLATE = "<|user|>, <|added|>\n\n<|extended|>"
_HEAD = "<|special|>, <|characters|>, <|copyrights|>,\n<|artist|>,\n\n"
_FOOT = "<|quality|>, <|meta|>, <|rating|>"
# The names are those of the reference pack, so that its users find them.
PRESETS: Mapping[str, str] = MappingProxyType(
    {
        "User first, then added": DEFAULT_TEMPLATE,
        "tag only (DTG mode)": f"{_HEAD}<|general|>,\n\n{_FOOT}",
        "NL only (Tag to NL)": "<|extended|>.",
        "Both, tag first (recommend)": f"{_HEAD}<|general|>,\n\n<|extended|>.\n\n{_FOOT}",
        "Both, NL first (recommend)": f"{_HEAD}<|extended|>.\n\n<|general|>,\n\n{_FOOT}",
        "Both + generated NL": (
            f"{_HEAD}<|generated|>.\n\n<|general|>,\n\n<|extended|>.\n\n{_FOOT}"
        ),
    }
)
# For the command line.
SHORT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "user-first": "User first, then added",
        "tags-only": "tag only (DTG mode)",
        "caption-only": "NL only (Tag to NL)",
        "tags-first": "Both, tag first (recommend)",
        "caption-first": "Both, NL first (recommend)",
        "generated": "Both + generated NL",
    }
)
