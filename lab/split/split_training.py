"""Trains the weights of the split: a conditional random field over the units of a prompt.

The loss is the negative log likelihood of the known sides; the sides of units that are not known
are summed over. Some features are dropped at random, so that no weight depends on a single word.
"""

from __future__ import annotations

import logging
import random
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tipo_core.prompt.split.prompt_units import cut_into_units
from tipo_core.prompt.split.split_weights import SplitWeights
from tipo_core.prompt.split.unit_features import JOINT_ROWS, UNIT_ROWS, features
from tipo_core.prompt.syntax.parse import parse

from .training_blocks import CAPTION, TAG, TrainingPrompt

_log = logging.getLogger("tipo-suite.lab")
_BATCH = 256
_DROPPED = 0.15  # share of the features
_IMPOSSIBLE = -1e4
_LARGEST = 127
_MOST_UNITS = 48


@dataclass(frozen=True)
class UnitSequence:
    """The features of a prompt's units and joints, with the share of each row, and the sides."""

    rows: tuple[array[int], ...]
    shares: tuple[array[float], ...]
    joints: tuple[tuple[int, ...], ...]
    sides: tuple[int, ...]  # 0: tags, 1: caption, -1: unknown


def as_sequence(prompt: TrainingPrompt) -> UnitSequence | None:
    """The features of a prompt; None if it has no words."""
    units = [unit for unit in cut_into_units(parse(prompt.text)) if unit.side is None]
    units = units[:_MOST_UNITS]
    if not units:
        return None
    found, joints = features(units)
    rows, shares = [], []
    for unit in found:
        numbers, weights = array("i", unit.place), array("f", [1.0] * len(unit.place))
        for piece in unit.pieces:
            numbers.extend(piece)
            weights.extend([1 / len(unit.pieces)] * len(piece))
        rows.append(numbers)
        shares.append(weights)
    sides = tuple(_side(prompt, unit.start, unit.end) for unit in units)
    return UnitSequence(tuple(rows), tuple(shares), tuple(joints), sides)


def train(prompts: Iterable[TrainingPrompt], epochs: int, seed: int) -> SplitWeights:
    """Train on the prompts and return the weights in steps of one byte."""
    sequences = [found for prompt in prompts if (found := as_sequence(prompt)) is not None]
    _log.info("%d prompts", len(sequences))
    torch.manual_seed(seed)
    rng = random.Random(seed)
    unit = torch.zeros(UNIT_ROWS, 1, requires_grad=True)
    joint = torch.zeros(JOINT_ROWS, 3, requires_grad=True)
    optimizer = torch.optim.Adam([unit, joint], lr=0.02)
    batches = len(sequences) // _BATCH or 1
    sums: list[Tensor] = []
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: max(0.02, 1 - step / (epochs * batches))
    )
    for epoch in range(epochs):
        rng.shuffle(sequences)
        total = 0.0
        sums = [torch.zeros_like(unit), torch.zeros_like(joint)]
        for at in range(0, batches * _BATCH, _BATCH):
            loss = _loss(sequences[at : at + _BATCH], unit, joint)
            penalty = 2e-6 * unit.square().sum() + 2e-5 * joint.square().sum()
            optimizer.zero_grad()
            (loss + penalty).backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
            for table, value in zip(sums, (unit, joint), strict=True):
                table += value.detach()
        _log.info("epoch %d: loss %.4f a prompt", epoch + 1, total / batches)
    # The mean over the last epoch depends less on the order of the prompts.
    return _in_steps(sums[0][:, 0] / batches, sums[1] / batches)


def _side(prompt: TrainingPrompt, start: int, end: int) -> int:
    covered = {TAG: 0, CAPTION: 0}
    for first, last, side in prompt.parts:
        if first < end and last > start:
            if side not in covered:
                return -1
            covered[side] += min(last, end) - max(first, start)
    if covered[TAG] and covered[CAPTION]:
        return -1
    return 1 if covered[CAPTION] else 0


def _loss(batch: Sequence[UnitSequence], unit: Tensor, joint: Tensor) -> Tensor:
    """The mean negative log likelihood of a prompt's known sides."""
    length = max(len(sequence.sides) for sequence in batch)
    scores = _bag([s.rows for s in batch], [s.shares for s in batch], unit, length)[..., 0]
    moves = _bag(
        [[(), *s.joints] for s in batch],
        [[(), *((1.0,) * len(rows) for rows in s.joints)] for s in batch],
        joint,
        length,
    )
    sides = torch.full((len(batch), length), -1)
    present = torch.zeros(len(batch), length, dtype=torch.bool)
    for number, sequence in enumerate(batch):
        sides[number, : len(sequence.sides)] = torch.tensor(sequence.sides)
        present[number, : len(sequence.sides)] = True
    free = torch.zeros(len(batch), length, 2)
    bound = free.clone()
    bound[..., 1][sides == 0] = _IMPOSSIBLE
    bound[..., 0][sides == 1] = _IMPOSSIBLE
    difference = _log_sum(scores, moves, free, present) - _log_sum(scores, moves, bound, present)
    return difference.mean()


def _log_sum(scores: Tensor, moves: Tensor, mask: Tensor, present: Tensor) -> Tensor:
    """The log of the sum over all labellings that the mask leaves; B."""
    tags = mask[:, 0, 0]
    caption = mask[:, 0, 1] + scores[:, 0]
    for at in range(1, scores.shape[1]):
        enter, leave, stay = moves[:, at].unbind(-1)
        next_tags = torch.logaddexp(tags, caption + leave) + mask[:, at, 0]
        next_caption = torch.logaddexp(tags + enter, caption + stay) + mask[:, at, 1]
        next_caption = next_caption + scores[:, at]
        tags = torch.where(present[:, at], next_tags, tags)
        caption = torch.where(present[:, at], next_caption, caption)
    return torch.logaddexp(tags, caption)


def _bag(
    rows: Sequence[Sequence[Sequence[int]]],
    shares: Sequence[Sequence[Sequence[float]]],
    table: Tensor,
    length: int,
) -> Tensor:
    """The sums of the table's rows for each unit: B, length, columns."""
    numbers, weights, offsets = array("i"), array("f"), []
    for units, unit_shares in zip(rows, shares, strict=True):
        for index in range(length):
            offsets.append(len(numbers))
            if index < len(units):
                numbers.extend(units[index])
                weights.extend(unit_shares[index])
    places = torch.frombuffer(numbers, dtype=torch.int32).long()
    share = torch.frombuffer(weights, dtype=torch.float32).clone()
    share *= torch.rand(len(share)) >= _DROPPED
    sums = torch.nn.functional.embedding_bag(
        places, table, torch.tensor(offsets), mode="sum", per_sample_weights=share
    )
    return sums.view(len(rows), length, table.shape[1])


def _in_steps(unit: Tensor, joint: Tensor) -> SplitWeights:
    kept = 1 - _DROPPED
    unit_step = float(unit.abs().max()) / _LARGEST or 1.0
    joint_step = float(joint.abs().max()) / _LARGEST or 1.0
    columns = [_bytes(joint[:, column] / joint_step) for column in range(3)]
    return SplitWeights(
        kept * unit_step, kept * joint_step, _bytes(unit / unit_step), *columns
    )  # fmt: skip


def _bytes(values: Tensor) -> array[int]:
    return array("b", values.round().to(torch.int8).tolist())
