"""Why a completion, or the field that it belongs to, ended."""

from __future__ import annotations

from enum import Enum


class StopReason(str, Enum):
    """The reasons, as they are reported; the last two come from whoever asks the model."""

    END_TOKEN = "end token"
    TARGET = "target reached"
    TOKEN_LIMIT = "token limit"
    CONTEXT_LIMIT = "context limit"
    REDRAW_LIMIT = "redraw limit"
    CANCELLED = "cancelled"

    def __str__(self) -> str:
        return self.value
