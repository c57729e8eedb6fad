"""Requests, passes and answers: a simple prompt becomes a detailed one."""

from .expand import expand
from .request import Expansion, ExpansionRequest, LanguageModel
from .tasks import Length, Task

__all__ = ["Expansion", "ExpansionRequest", "LanguageModel", "Length", "Task", "expand"]
