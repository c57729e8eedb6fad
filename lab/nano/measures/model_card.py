"""Reports of small models as the table and the examples of a model card."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Values = Mapping[str, Any]


def _percent(value: float) -> str:
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + " %"


def _relevance(name: str) -> Callable[[Values], str]:
    def shown(report: Values) -> str:
        found = report[name]
        share = found["model"] / found["real"] if found["real"] else 0.0
        return (
            f"{_percent(share)} ({found['model']:.2f} of {found['real']:.2f}; "
            f"shuffled {found['shuffled']:.2f})"
        )

    return shown


def _share(name: str) -> Callable[[Values], str]:
    return lambda report: _percent(report[name])


def _number(name: str, places: int) -> Callable[[Values], str]:
    return lambda report: f"{report[name]:.{places}f}"


def _variety(report: Values) -> str:
    found = report["variety"]
    return f"{found['self_bleu']:.3f} ± {found['error']:.3f}"


def _variety_of_fields(report: Values) -> str:
    found = report["variety"]
    return f"{found['tags']:.3f}, {found['captions']:.3f}"


def _unsafe(name: str) -> Callable[[Values], str]:
    return lambda report: f"{report[name]} of {report['checked_for_safety']}"


# Name of a row, its text from a report, and the value that a model has to reach.
ROWS: tuple[tuple[str, Callable[[Values], str], str], ...] = (
    ("parameters", lambda report: f"{report['parameters'] / 1e6:.2f} M", ""),
    ("well-formed answers", _share("well_formed"), "99.9 %"),
    ("length class reached", _share("length_reached"), "98 %"),
    ("added tags that are tags", _share("in_vocabulary"), "97 %"),
    ("PMI of added tags with given ones, of real pairs'", _relevance("relevance"), "80 %"),
    ("the same on pairs held out", _relevance("relevance_held_out"), ""),
    ("caption nouns that the tags have", _share("caption_nouns"), ""),
    ("caption colours that the tags have", _share("caption_colours"), ""),
    ("toy-sd's words kept, no contradiction", _share("toy"), ""),
    ("distinct-2 over all answers", _number("distinct_2", 3), ""),
    ("self-BLEU of four variants (lower is more varied), standard error", _variety, ""),
    ("the same of the added tags alone, of the added caption alone", _variety_of_fields, ""),
    ("perplexity a character, held-out records", _number("perplexity_per_character", 3), ""),
    ("perplexity a word, held-out records", _number("perplexity_per_word", 1), ""),
    ("perplexity a character, photo captions",
     _number("caption_perplexity_per_character", 3), ""),
    ("tags repeated within an answer", _share("tag_repetition"), ""),
    ("sentences repeated within an answer", _share("sentence_repetition"), ""),
    ("model alone: well-formed", _share("raw_well_formed"), ""),
    ("model alone: length class reached", _share("raw_length_reached"), ""),
    ("model alone: tags repeated", _share("raw_tag_repetition"), ""),
    ("raw answers at temperature 1 that hit the block list", _unsafe("unsafe"), "0"),
    ("the same after the filter", _unsafe("unsafe_filtered"), "0"),
)  # fmt: skip


def read_report(path: Path) -> Values:
    """Return the report in a JSON file. Raises ValueError for any other file."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON ({error}): write it again") from error
    if not isinstance(report, dict) or "well_formed" not in report:
        raise ValueError(f"{path} is not a report of `lab.nano evaluate`: give such a report")
    return report


def table(reports: Mapping[str, Values]) -> str:
    """Return the figures of reports as a Markdown table, one column per report."""
    lines = [
        f"| | {' | '.join(reports)} | bar |",
        "|---|" + "---|" * (len(reports) + 1),
    ]
    for name, read, bar in ROWS:
        cells = " | ".join(read(report) for report in reports.values())
        lines.append(f"| {name} | {cells} | {bar} |")
    return "\n".join(lines) + "\n"


def examples(report: Values) -> str:
    """Return the examples of a report as Markdown, each as request, arrow, answer."""
    parts = []
    for task, pairs in report["examples"].items():
        parts.append(f"### {task}\n")
        parts += [f"```\n{request}\u27f6{answer}\n```\n" for request, answer in pairs]
    return "\n".join(parts)


def curve(rows: Sequence[Mapping[str, str]]) -> str:
    """Return the rows of a `training.csv` as a Markdown table, and a chart of the held-out loss."""
    lines = ["| step | target tokens | loss | held out |", "|---|---|---|---|"]
    for row in rows:
        tokens = int(row["tokens"]) / 1e6
        lines.append(f"| {row['step']} | {tokens:.2f} M | {row['loss']} | {row['held_out']} |")
    held_out = ", ".join(row["held_out"] for row in rows)
    lines += [
        "",
        "```mermaid",
        "xychart-beta",
        '    title "held-out loss"',
        f'    x-axis "step" [{", ".join(row["step"] for row in rows)}]',
        '    y-axis "nats a token" 1 --> 4',
        f"    line [{held_out}]",
        "```",
    ]
    return "\n".join(lines) + "\n"


def filled_card(card: str, parts: Mapping[str, str]) -> str:
    """Return a card with each part between its marks, `<!-- NAME -->` and `<!-- end NAME -->`.

    Text between the marks is replaced. Raises ValueError for a part without marks in the card.
    """
    for name, text in parts.items():
        begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        before, first, rest = card.partition(begin)
        _, last, after = rest.partition(end)
        if not first or not last:
            raise ValueError(f"the card has no place for {name!r}: put {begin} and {end} into it")
        card = f"{before}{begin}\n\n{text.rstrip()}\n\n{end}{after}"
    return card
