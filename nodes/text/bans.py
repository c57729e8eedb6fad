"""TIPO Ban Rules: tags that must not be added, checked and tested in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io, ui

from ...tipo_core.prompt.bans.foreign_rules import OWN_SYNTAX, SYNTAXES, read_rules
from ..host_features import schema
from ..inputs import BansType, check_choice, report_output, text_box
from ..memory import read_text

if TYPE_CHECKING:
    from ...tipo_core.prompt import Bans


def joined_rules(*texts: str | None) -> str:
    """Return the rules of all `texts`, joined by line breaks."""
    return "\n".join(text for text in texts if text and text.strip())


def trial(bans: Bans, tags: str) -> list[str]:
    """Return one line per tag: the entry that bans it, given the other tags, or "allowed"."""
    from ...tipo_core.prompt import parse

    words = [word for segment in parse(tags).segments() for word in segment.words]
    lines = []
    for number, word in enumerate(words):
        entry = bans.reason(word, words[:number] + words[number + 1 :])
        lines.append(f"{word}: allowed" if entry is None else f"{word}: banned by {entry!r}")
    return lines


class TipoBans(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoBans",
            display_name="TIPO Ban Rules",
            category="TIPO",
            search_aliases=["blacklist", "banned tags", "filter tags", "negative tags"],
            is_text_node=True,
            description="Rules for tags that the language model must not add, for any number of "
            "TIPO nodes. The node reports a mistake in a rule, and tests the rules on tags.",
            inputs=[
                text_box(
                    "rules",
                    "Entries separated by commas or line breaks: a tag, *hat, /regular "
                    "expression/, @category. A line 'if 1boy: skirt, dress' applies only with "
                    "1boy. A line '@clothing = *skirt, *dress' defines a group; @clothing then "
                    "bans it.",
                ),
                text_box(
                    "try_on",
                    "Tags to test the rules on: the node shows which entry bans each of them. They "
                    "have no other effect. May be empty.",
                ),
                BansType.Input(
                    "also",
                    optional=True,
                    tooltip="Rules of another TIPO Ban Rules node that apply too; its groups can "
                    "be used here.",
                ),
                io.Combo.Input(
                    "syntax",
                    options=list(SYNTAXES),
                    default=OWN_SYNTAX,
                    optional=True,
                    tooltip="How the rules are written. z-tipo: a word bans every tag that "
                    "contains it, and an entry is a regular expression for the start of a tag. "
                    "DanTagGen: each entry is a whole tag.",
                ),
            ],
            outputs=[
                BansType.Output(
                    "bans",
                    display_name="bans",
                    tooltip="For the ban_rules input of other TIPO nodes.",
                ),
                report_output("The number of rules and the test result, one line per tag."),
            ],
        )

    @classmethod
    def execute(
        cls, rules: str, try_on: str, also: str | None = None, syntax: str = OWN_SYNTAX
    ) -> io.NodeOutput:
        from ...tipo_core.prompt import Bans

        check_choice("syntax", syntax, list(SYNTAXES))
        read = read_rules(rules, syntax)
        text = joined_rules(also, read.rules)
        bans = read_text(lambda: Bans.parse(text), text)
        count = len(bans.rules)
        head = f"{count} rule" if count == 1 else f"{count} rules"
        tried = read_text(lambda: trial(bans, try_on), text, try_on)
        report = "\n".join([head, *read.problems, *tried])
        return io.NodeOutput(text, report, ui=ui.PreviewText(report))


NODES = [TipoBans]
