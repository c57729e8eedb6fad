"""The scores of a subject's pictures in folders, with an extractor of the evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..extractors import load_extractor
from ..folder_features import Reading, folder_features
from ..folder_reports import FeatureModel
from .subject_scores import class_likeness, diversity, likeness


def subject_report(
    real_folder: Path,
    drawn_folder: Path,
    class_folder: Path | None,
    model: FeatureModel,
    reading: Reading,
) -> dict[str, Any]:
    """Return subject fidelity and diversity of drawn pictures, and PRES of a class's pictures.

    The pictures in one subfolder of the drawn ones are those of one prompt.
    """
    folders = [one for one in (real_folder, drawn_folder, class_folder) if one is not None]
    for folder in folders:  # a wrong name is an error before a model is loaded
        if not folder.is_dir():
            raise FileNotFoundError(f"there is no folder {folder}: check the path")
    extractor = load_extractor(model.name, model.device, model.download)
    real, drawn = (folder_features(one, extractor, reading) for one in (real_folder, drawn_folder))
    found = likeness(drawn.features, real.features)
    places = [path.parent for path in drawn.files]
    numbers = {place: number for number, place in enumerate(dict.fromkeys(places))}
    variety = diversity(drawn.features, [numbers[place] for place in places])
    report: dict[str, Any] = {
        "metric": f"subject fidelity with {extractor.name}",
        "value": found.mean.value,
        "interval": [found.mean.low, found.mean.high],
        "real_among_themselves": found.among_real,
        "vendi": variety.vendi,
        "real": len(real.files),
        "drawn": len(drawn.files),
        "skipped": len(real.skipped) + len(drawn.skipped),
    }
    if variety.pairs is not None:
        report["diversity"] = variety.pairs.value
    if class_folder is not None:
        of_class = folder_features(class_folder, extractor, reading)
        prior = class_likeness(of_class.features, real.features)
        report["class_like_subject"] = prior.value
        report["class_interval"] = [prior.low, prior.high]
        report["class"] = len(of_class.files)
    return report
