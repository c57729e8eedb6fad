"""TIPO Suite's library: expand prompts for pictures with a small language model.

It needs no ComfyUI.

>>> from tipo_core import load_model, expand
>>> model = load_model("tipo-nano")
>>> prompt = expand(model, tags="1girl, cat ears", seed=1).prompt

The names in `__all__` are the public interface; all other modules are private and may change in
any version. Public as well: `tipo_core.comfy_api` (a client of ComfyUI's HTTP API), and the
commands `python -m tipo_core`, `python -m tipo_core.evaluate` and `python -m tipo_core.training`.

load_model          a language model by its name or file, on the CPU
expand              a detailed prompt from a simple one
expand_request      the same from an `ExpansionRequest`: several variants, as a list
run_task            one of TIPO's trained tasks alone
split_prompt        a mixed prompt split into tags, caption, networks and the rest, verbatim
parse               the syntax of a prompt as verbatim spans
Bans, Template      ban rules and templates, parsed
split_sentences     the sentences of a caption, verbatim

A name is imported on first use, so that `import tipo_core` takes milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api import expand, expand_request, load_model, run_task
    from .expansion.format import META_KEYS, parse_meta
    from .expansion.request import (
        Expansion,
        ExpansionRequest,
        FieldResult,
        LanguageModel,
        PassReport,
    )
    from .expansion.task import TaskRequest, TaskResult
    from .expansion.tasks import Field, Length, Pass, Task
    from .lm.generate.completion import Cancelled, StopReason
    from .lm.generate.sampling_options import SamplingOptions
    from .prompt import (
        DEFAULT_TEMPLATE,
        PRESETS,
        Bans,
        Prompt,
        SplitPrompt,
        Template,
        parse,
        split_prompt,
        split_sentences,
    )

    __version__: str

_MODULES = MappingProxyType(
    {
        **dict.fromkeys(("expand", "expand_request", "load_model", "run_task"), "api"),
        **dict.fromkeys(("META_KEYS", "parse_meta"), "expansion.format"),
        **dict.fromkeys(("Expansion", "ExpansionRequest", "FieldResult"), "expansion.request"),
        **dict.fromkeys(("LanguageModel", "PassReport"), "expansion.request"),
        **dict.fromkeys(("TaskRequest", "TaskResult"), "expansion.task"),
        **dict.fromkeys(("Field", "Length", "Pass", "Task"), "expansion.tasks"),
        "TranslationMode": "expansion.tasks",
        **dict.fromkeys(("Cancelled", "StopReason"), "lm.generate.completion"),
        "SamplingOptions": "lm.generate.sampling_options",
        **dict.fromkeys(("DEFAULT_TEMPLATE", "PRESETS", "Bans", "Prompt", "SplitPrompt"), "prompt"),
        **dict.fromkeys(("Template", "parse", "split_prompt", "split_sentences"), "prompt"),
    }
)

__all__ = [
    "DEFAULT_TEMPLATE",
    "META_KEYS",
    "PRESETS",
    "Bans",
    "Cancelled",
    "Expansion",
    "ExpansionRequest",
    "Field",
    "FieldResult",
    "LanguageModel",
    "Length",
    "Pass",
    "PassReport",
    "Prompt",
    "SamplingOptions",
    "SplitPrompt",
    "StopReason",
    "Task",
    "TaskRequest",
    "TaskResult",
    "Template",
    "TranslationMode",
    "__version__",
    "expand",
    "expand_request",
    "load_model",
    "parse",
    "parse_meta",
    "run_task",
    "split_prompt",
    "split_sentences",
]


def __getattr__(name: str) -> object:
    """Import the module that holds `name` (PEP 562)."""
    if name == "__version__":
        return _version()
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__


def _version() -> str:
    """Return the version in pyproject.toml: of this checkout, else of the installed package."""
    import re
    from importlib import metadata
    from pathlib import Path

    pyproject = Path(__file__).resolve().parents[1] / "pyproject.toml"
    if not pyproject.is_file():
        return metadata.version("tipo-suite")
    match = re.search(r'^version = "([^"]+)"', pyproject.read_text("utf-8"), re.MULTILINE)
    assert match, f"{pyproject} has no version"
    return match[1]
