"""Templates to choose from, in the language of `template`.

They have a file of their own because the nodes read them when ComfyUI starts: `template` loads the
parser and compiles its patterns.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# Nothing typed stands after an addition: text encoders read the first 77 tokens best.
DEFAULT_TEMPLATE = (
    "<|user|>, <|added_to_tags|>\n\n<|extended|>\n\n<|added_to_caption|>\n\n<|generated|>"
)
_HEAD = "<|special|>, <|characters|>, <|copyrights|>,\n<|artist|>,\n\n"
_FOOT = "<|quality|>, <|meta|>, <|rating|>"
# The names are those of the reference pack, so that its users find them.
PRESETS: Mapping[str, str] = MappingProxyType(
    {
        "User first, then added": DEFAULT_TEMPLATE,
        "tag only (DTG mode)": f"{_HEAD}<|typed_general|>,\n\n{_FOOT},\n\n<|added_general|>",
        "NL only (Tag to NL)": "<|extended|>.",
        "Both, tag first (recommend)": (
            f"{_HEAD}<|typed_general|>,\n\n{_FOOT},\n\n<|caption|>.\n\n<|added_general|>,\n\n"
            "<|continued|>."
        ),
        "Both, NL first (recommend)": (
            f"{_HEAD}<|caption|>.\n\n<|typed_general|>,\n\n{_FOOT},\n\n<|continued|>.\n\n"
            "<|added_general|>"
        ),
        "Both + generated NL": (
            f"{_HEAD}<|typed_general|>,\n\n{_FOOT},\n\n<|extended|>.\n\n<|generated|>.\n\n"
            "<|added_general|>"
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
