"""Figures of the learning on toy-sd: shares with 95 % intervals, a table, a chart, strips."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from tipo_core.evaluate.text.intervals import Estimate, bootstrap_mean, wilson

from ..drawings.example_critter import SUBJECT
from ..drawings.styles import STYLES
from ..report.accuracy_figures import sheet
from ..report.accuracy_rows import Row
from .learning_run import PICTURES, LearningOptions, point, rows_of, trainings
from .subject_prompts import CLASS_SET, SUBJECT_SET, PromptSet, is_subject
from .training_arms import ARMS, UNTRAINED

NAMES = {
    "untrained": "before the training",
    "prior": "DreamBooth Train with class pictures",
    "no-prior": "DreamBooth Train without them",
    "core": "ComfyUI's Train LoRA",
}
_OTHERS = tuple(STYLES)
_SHARES = ("subject", "words", "class like subject", "class parts", "others")
_SHOWN = 6  # pictures of a strip
_COLOURS = ("#9aa0a6", "#1f77b4", "#ff7f0e", "#117733")


def learning_report(options: LearningOptions, rows: Sequence[Row]) -> dict[str, Any]:
    """Return all figures, and write them with a table, a chart and strips into the run's folder."""
    arms = [arm for arm in ARMS if rows_of(rows, arm, SUBJECT_SET)]
    report: dict[str, Any] = {
        "arms": {arm: _figures(options.sets, rows, arm) for arm in arms},
        "trainings": trainings(options.out),
        "settings": asdict(options.settings),
        "sampling": asdict(options.sampling),
    }
    out = options.out
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (out / "report.md").write_text(markdown(report), encoding="utf-8")
    chart(report, out / "learned.png")
    strips(options, arms, out)
    return report


def _figures(sets: Sequence[PromptSet], rows: Sequence[Row], arm: str) -> dict[str, Any]:
    """Return the shares of one arm, each with its interval."""
    subject = rows_of(rows, arm, SUBJECT_SET)
    of_class = rows_of(rows, arm, CLASS_SET)
    by_set = {one.name: one for one in sets}
    figures: dict[str, Estimate | None] = {
        "subject": wilson([float(is_subject(row.wrong)) for row in subject]),
        "words": bootstrap_mean([_words_right(by_set[SUBJECT_SET], row) for row in subject]),
        "class like subject": wilson([float(is_subject(row.wrong)) for row in of_class]),
        "class parts": bootstrap_mean([_parts_of_subject(row) for row in of_class]),
    }
    every, before = [], []
    for name in _OTHERS:
        own = [_right(by_set[name], row) for row in rows_of(rows, arm, name)]
        base = [_right(by_set[name], row) for row in rows_of(rows, UNTRAINED, name)]
        figures[name] = bootstrap_mean(own)
        every += own[: len(base)]
        before += base[: len(own)]
    figures["others"] = bootstrap_mean(every)
    # The same prompts and noise: the difference is taken picture by picture.
    lost = [one - other for one, other in zip(before, every, strict=True)]
    figures["others lose"] = bootstrap_mean(lost)
    return {name: None if one is None else asdict(one) for name, one in figures.items()}


def _right(one: PromptSet, row: Row) -> float:
    """Return the share of a picture's named parts that are right."""
    return 1 - len(row.wrong) / len(one.row(row.row).prompt.named)


def _parts_of_subject(row: Row) -> float:
    """Return the share of the subject's parts in a picture of the open class."""
    return 1 - len(set(row.wrong) & set(SUBJECT)) / len(SUBJECT)


def _words_right(one: PromptSet, row: Row) -> float:
    """Return the share of the words besides the subject that are obeyed."""
    words = set(one.row(row.row).prompt.named) - set(SUBJECT)
    return 1 - len(words & set(row.wrong)) / len(words)


def markdown(report: dict[str, Any]) -> str:
    """Return the table of the arms."""
    lines = [
        "| | subject recognised | other words obeyed | `critter` alone is the subject "
        "| parts of the subject in it | other pictures right | they lose | training |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for arm, found in report["arms"].items():
        lost = "-" if arm == UNTRAINED else _points(found["others lose"])
        seconds = report["trainings"].get(arm, {}).get("seconds", 0.0)
        cells = [
            NAMES[arm],
            *(_percent(found[name]) for name in _SHARES),
            lost,
            f"{seconds / 60:.1f} min" if seconds else "-",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| | " + " | ".join(_OTHERS) + " |", "|---|" + "---:|" * len(_OTHERS)]
    for arm, found in report["arms"].items():
        lines.append(f"| {NAMES[arm]} | {' | '.join(_percent(found[n]) for n in _OTHERS)} |")
    return "\n".join(lines) + "\n"


def _percent(found: dict[str, float] | None) -> str:
    if found is None:
        return "-"
    return f"{100 * found['value']:.1f} % ({100 * found['low']:.1f} to {100 * found['high']:.1f})"


def _points(found: dict[str, float] | None) -> str:
    if found is None:
        return "-"
    value, low, high = (100 * found[name] for name in ("value", "low", "high"))
    return f"{value:.1f} points ({low:.1f} to {high:.1f})"


def chart(report: dict[str, Any], path: Path) -> None:
    """Draw the shares of all arms with their intervals as bars."""
    labels = {
        "subject": "subject\nrecognised",
        "words": "other words\nobeyed",
        "class like subject": "`critter` alone\nis the subject",
        "class parts": "parts of the\nsubject in it",
        **{name: f"{name}\nright" for name in _OTHERS},
    }
    arms = report["arms"]
    figure = Figure(figsize=(11.0, 5.0), layout="constrained")
    axes = figure.add_subplot(ylabel="%", ylim=(0, 104))
    width = 0.8 / len(arms)
    for number, (arm, found) in enumerate(arms.items()):
        for place, name in enumerate(labels):
            one = found[name]
            if one is None:
                continue
            value, low, high = (100 * one[key] for key in ("value", "low", "high"))
            axes.bar(
                place + (number - (len(arms) - 1) / 2) * width, value, width,
                yerr=[[value - low], [high - value]], capsize=3, color=_COLOURS[ARMS.index(arm)],
                label=NAMES[arm] if place == 0 else None,
            )  # fmt: skip
    axes.set_xticks(range(len(labels)), list(labels.values()))
    axes.grid(axis="y", color="#e0e0e0")
    axes.set_axisbelow(True)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(arms), frameon=False)
    figure.savefig(path, dpi=110)


def strips(options: LearningOptions, arms: Sequence[str], out: Path) -> None:
    """Write two sheets, a row for each arm: the subject, and pictures of everything else."""
    folder = out / "strips"
    folder.mkdir(exist_ok=True)
    sets = {one.name: one for one in options.sets}
    subject = [(SUBJECT_SET, number) for number in range(_SHOWN)]
    names = [CLASS_SET, "critter", "planet", "planet", "potted plant", "landscape"]
    # Two successive rows word the same scene, and others may resemble it.
    others = [(name, 4 * names[:number].count(name)) for number, name in enumerate(names)]
    for title, wanted in (("subject", subject), ("others", others)):
        shown = [(name, number) for name, number in wanted if number < sets[name].count]
        for arm in arms:
            pictures = []
            for name, number in shown:
                file = out / PICTURES / f"{point(arm, name)}-{number:03}.png"
                pictures.append(Image.open(file).convert("RGB"))
            whole = Image.new("RGB", (sum(one.width for one in pictures), pictures[0].height))
            for place, one in enumerate(pictures):
                whole.paste(one, (place * pictures[0].width, 0))
            whole.save(folder / f"{title}-{arm}.png")
        rows = [(arm, f"{title}-{arm}") for arm in arms]
        sheet(rows, folder, out / f"pictures-{title}.png")
        prompts = [sets[name].row(number).prompt.text for name, number in shown]
        text = "".join(f"{prompt}\n" for prompt in prompts)
        (out / f"pictures-{title}.txt").write_text(text, encoding="utf-8")
