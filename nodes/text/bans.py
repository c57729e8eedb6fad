"""TIPO Ban Rules: what must not be written, checked and tried out in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io, ui

from ..host_features import schema

if TYPE_CHECKING:
    from ...tipo_core.prompt import Bans

BansType = io.Custom("TIPO_BANS")


def joined_rules(*texts: str | None) -> str:
    """Return the rules of all `texts`, each on lines of its own."""
    return "\n".join(text for text in texts if text and text.strip())


def trial(bans: Bans, tags: str) -> list[str]:
    """Return a line for each of `tags`: which entry bans it where the others are present."""
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
            description="Rules for what the language model must not add, for any number of TIPO "
            "nodes. A mistake in a rule is an error here, and the rules can be tried on tags.",
            inputs=[
                io.String.Input(
                    "rules",
                    default="",
                    multiline=True,
                    tooltip="One entry a line or comma: a tag, *hat, /regular expression/, "
                    "@category. A line 'if 1boy: skirt, dress' counts only with 1boy; a line "
                    "'@clothing = *skirt, *dress' makes a group that @clothing then bans.",
                ),
                io.String.Input(
                    "try_on",
                    default="",
                    multiline=True,
                    tooltip="Tags to try the rules on: the node shows which entry bans each of "
                    "them. Nothing else happens with them. May be empty.",
                ),
                BansType.Input(
                    "also",
                    optional=True,
                    tooltip="Rules of another TIPO Ban Rules node that count too; its groups can "
                    "be used here.",
                ),
            ],
            outputs=[
                BansType.Output(
                    "bans", display_name="bans", tooltip="For the ban_rules of TIPO nodes."
                ),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="The number of rules, and the trial: a line for each tag.",
                ),
            ],
        )

    @classmethod
    def execute(cls, rules: str, try_on: str, also: str | None = None) -> io.NodeOutput:
        from ...tipo_core.prompt import Bans

        text = joined_rules(also, rules)
        bans = Bans.parse(text)
        count = len(bans.rules)
        head = f"{count} rule" if count == 1 else f"{count} rules"
        report = "\n".join([head, *trial(bans, try_on)])
        return io.NodeOutput(text, report, ui=ui.PreviewText(report))


NODES = [TipoBans]
