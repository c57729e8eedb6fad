"""The text format against tipo-kgen 0.3.1, the reference implementation.

Where the two differ on purpose the test names the reason and holds both forms, so that nothing
else can differ unseen. The faults of the reference are in `test_against_kgen_faults`.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import sys
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.expansion.format import META_KEYS, Request, read_answer, render_request, split_tags
from tipo_core.expansion.tasks import Field, Length, Task

# The keys that tipo-kgen writes by itself; its ComfyUI pack adds the aspect ratio.
KGEN_KEYS = META_KEYS[:-1]
META = {
    "meta": "highres, absurdres",
    "rating": "safe",
    "artist": "artist a",
    "characters": "hatsune miku",
    "copyrights": "vocaloid",
    "quality": "masterpiece, best quality",
}
TAGS = "1girl, cat ears, :), hat (series)"
CAPTION = "A girl: reading (quietly). Dr. Smith is 1.5 m away."


@functools.cache
def reference() -> Any:
    """`kgen.executor.tipo`, without the two modules that load and run a model.

    Those import transformers, which takes ten seconds, and make a folder in site-packages.
    """
    assert version("tipo-kgen") == "0.3.1"
    models, running = ModuleType("kgen.models"), ModuleType("kgen.generate")
    models.__dict__.update(
        model_have_quality_info={}, current_model_name=None, text_model=None, tokenizer=None
    )
    running.__dict__["generate"] = None
    with mock.patch.dict(sys.modules, {models.__name__: models, running.__name__: running}):
        return importlib.import_module("kgen.executor.tipo")


def caption_field(task: Task) -> Field:
    """The field that tipo-kgen puts a caption into."""
    return Field.SHORT if Field.SHORT in task.fields else Field.LONG


def as_rendered(theirs: str, task: Task, known: set[Field], grow_given: bool) -> tuple[str, str]:
    """Return our request for a request of tipo-kgen, and the reason for the difference, if any."""
    missing = [name for name in task.fields if name not in known]
    last = task.fields[-1]
    if not missing:
        if grow_given:
            return theirs, ""
        return theirs.removesuffix(f"\n{last.value}:"), "a full field is opened a second time"
    first = missing[0]
    if first is last:
        if not grow_given:
            return theirs, ""
        return f"{theirs}\n{last.value}:", "the field to be written is not named"
    later = task.fields[task.fields.index(first) + 1 :]
    if grow_given and later == (last,) and last not in known:
        return theirs, ""
    head = theirs[: theirs.index(f"\n{first.value}: \n")]
    return f"{head}\n{first.value}:", "fields follow an empty one"


def test_requests_are_byte_equal_but_for_the_named_reasons() -> None:
    reasons: Counter[str] = Counter()
    subsets = [
        {key: META[key] for key in keys}
        for size in range(len(KGEN_KEYS) + 1)
        for keys in itertools.combinations(KGEN_KEYS, size)
    ]
    switches = list(itertools.product((False, True), repeat=4))
    for task, length, meta in itertools.product(Task, Length, subsets):
        for gen_meta, has_tags, has_caption, grow_given in switches:
            tags, caption = TAGS * has_tags, CAPTION * has_caption
            texts = {Field.TAG: tags, caption_field(task): caption}
            texts = {name: text for name, text in texts.items() if text}
            theirs = reference().apply_tipo_prompt(
                meta, tags, caption, task.value or None, length.value, grow_given, gen_meta
            )
            wanted, reason = as_rendered(theirs, task, set(texts), grow_given)
            if not task.has_length:
                # The models saw `short_to_long` without a length; tipo-kgen does not offer it.
                wanted = wanted.replace(f"{length.token} ", "", 1)
                reason = "short_to_long with a length"
            ours = render_request(Request(task, length, texts, meta, gen_meta))
            assert ours == wanted, (task, texts, grow_given, reason)
            assert (ours == theirs) is not bool(reason)
            reasons[reason] += 1
    assert reasons == {
        "": 9216,
        # An empty `tag: ` line with a trailing space before another field: never trained.
        "fields follow an empty one": 13312,
        # The model is left to open the next field, or to lengthen the one before without end.
        "the field to be written is not named": 3584,
        # Two `tag:` lines (fault 8).
        "a full field is opened a second time": 2560,
        "short_to_long with a length": 4096,
    }


@pytest.mark.parametrize("gen_meta", [False, True])
def test_short_to_long_is_byte_equal_without_a_length(gen_meta: bool) -> None:
    for caption, grow_given in itertools.product(("", CAPTION), (False, True)):
        theirs = reference().apply_tipo_prompt(
            META, TAGS, caption, "short_to_long", None, grow_given, gen_meta
        )
        texts = {Field.SHORT: caption} if caption else {}
        request = Request(Task.SHORT_TO_LONG, Length.LONG, texts, META, gen_meta)
        assert render_request(request) == as_rendered(theirs, request.task, {*texts}, grow_given)[0]


@pytest.mark.parametrize("task", Task)
def test_the_aspect_ratio_is_spelled_as_trained(task: Task) -> None:
    """The author's pack adds `aspect_ratio`, with an underscore, which was never trained."""
    for length, gen_meta in itertools.product(Length, (False, True)):
        theirs = reference().apply_tipo_prompt(
            {**META, "aspect_ratio": f"{832 / 1216:.1f}"},
            TAGS,
            CAPTION,
            task.value or None,
            length.value if task.has_length else None,
            True,
            gen_meta,
        )
        assert "\nquality: masterpiece, best quality\naspect_ratio: 0.7\ntarget:" in theirs
        texts = {Field.TAG: TAGS, caption_field(task): CAPTION}
        wanted, _ = as_rendered(theirs, task, set(texts), grow_given=True)
        request = Request(task, length, texts, {**META, "aspect ratio": "0.7"}, gen_meta)
        assert render_request(request) == wanted.replace("\naspect_ratio:", "\naspect ratio:")


def test_the_metadata_of_a_request_has_the_same_keys_in_the_same_order() -> None:
    tag_map = {key: split_tags(META[key]) for key in reversed(KGEN_KEYS)}
    meta, _, general, _ = reference().parse_tipo_request({**tag_map, "general": ["hat"]})
    assert tuple(meta) == KGEN_KEYS and meta == META and general == "hat"


def test_the_tasks_are_the_trained_ones() -> None:
    offered = {"" if name == "None" else name for name in reference().OPERATION_LIST}
    trained = {task.value for task in Task}
    assert offered - trained == {"tag_to_short", "tag_to_long_to_short"}
    assert trained - offered == {"short_to_long", "short_to_long_to_tag"}


# Texts that tipo-kgen reads without a fault: nothing ends in a letter of `<s>` or `</s>`, a field
# is one line, and no tag is `<|empty|>`.
tags = st.from_regex(r"[a-z][a-zA-Z0-9:;'_ ()-]{0,14}[0-9)]", fullmatch=True)
tag_lines = st.lists(tags, min_size=1, max_size=6).map(", ".join)
sentences = st.from_regex(r"[A-Z][a-zA-Z0-9:;,'\" ()-]{0,30}[.!?]", fullmatch=True)
captions = st.lists(sentences, min_size=1, max_size=4).map(" ".join)
metadata = st.dictionaries(st.sampled_from(META_KEYS), tag_lines)
THEIR_NAMES = {Field.SHORT: "extended", Field.LONG: "generated"}


def assert_read_alike(request: Request, completion: str) -> None:
    """Our parser reads the same fields from `completion` as tipo-kgen's from the whole text."""
    theirs = reference().parse_tipo_result(render_request(request) + completion)
    ours = read_answer(request, completion)
    assert ours.well_formed
    known = {name: request.given.get(name, "") for name in request.task.fields}
    texts = {name: text + ours.fields.get(name, "") for name, text in known.items()}
    for name, text in texts.items():
        if name is Field.TAG:
            assert split_tags(text) == theirs["tag"]
        else:
            assert text.strip() == theirs[THEIR_NAMES[name]]
    for key, value in request.meta.items():
        # tipo-kgen appends names found among the tags to the names of the category's line.
        assert theirs[key][: len(split_tags(value))] == split_tags(value)
    for key, value in ours.meta.items():
        # After a tag field, tipo-kgen keeps only the aspect ratio (fault 2).
        if Field.TAG not in request.task.fields or key not in KGEN_KEYS:
            assert split_tags(value) == theirs[key]


@settings(max_examples=50)  # each one asks for every field of its task in turn
@given(
    task=st.sampled_from(Task),
    length=st.sampled_from(Length),
    values=st.fixed_dictionaries(
        {Field.TAG: tag_lines, Field.SHORT: captions, Field.LONG: captions}
    ),
    continued=st.booleans(),
    meta=metadata,
    proposed=metadata,
)
def test_a_well_formed_answer_is_read_alike(
    task: Task,
    length: Length,
    values: Mapping[Field, str],
    continued: bool,
    meta: dict[str, str],
    proposed: dict[str, str],
) -> None:
    proposed = {key: value for key, value in proposed.items() if key not in meta}
    for place, name in enumerate(task.fields):
        before = {other: values[other] for other in task.fields[:place]}
        start = {}
        if continued and name is task.fields[-1]:
            start = {name: "a start 1" if name is Field.TAG else "It begins."}
        request = Request(task, length, {**before, **start}, meta, gen_meta=bool(proposed))
        joint = ", " if start and name is Field.TAG else " "
        lines = [joint + values[name]]
        lines += [f"{owed.value}: {values[owed]}" for owed in task.fields[place + 1 :]]
        lines += [f"{key}: {value}" for key, value in proposed.items()]
        assert_read_alike(request, "\n".join(lines))


@pytest.mark.parametrize(
    ("task", "texts", "completion"),
    [
        (Task.TAGS, {}, " 1girl, solo, blue eyes, long hair, looking at viewer, window"),
        (
            Task.TAGS,
            {Field.TAG: "1girl, ^_^"},
            ", hat, :), >:), hatsune miku (append), 6+girls, 2d",
        ),
        (
            Task.TAG_TO_LONG,
            {Field.TAG: "1girl"},
            " A girl, 1.5 m tall: that is Dr. Smith. It rains.",
        ),
        (
            Task.LONG_TO_TAG,
            {Field.LONG: "A cat sits."},
            " cat, animal focus, no humans,  , sitting,",
        ),
        (Task.SHORT_TO_TAG, {Field.SHORT: "Two at 12:30."}, " 2girls, clock, 12:30"),
        (Task.SHORT_TO_LONG, {Field.SHORT: "A cat."}, " A cat. It sits (alone) on a wall."),
        (Task.SHORT_TO_TAG_TO_LONG, {Field.SHORT: "A cat."}, " cat\nlong: A cat: it sits."),
        (Task.SHORT_TO_LONG_TO_TAG, {Field.SHORT: "A cat."}, " A cat. It sits.\ntag: cat, wall"),
        (Task.TAG_TO_SHORT_TO_LONG, {Field.TAG: "cat"}, " A cat.\nlong: A cat. It sits."),
    ],
)
def test_an_answer_as_the_models_write_it_is_read_alike(
    task: Task, texts: dict[Field, str], completion: str
) -> None:
    for length, meta in itertools.product(Length, ({}, META)):
        assert_read_alike(Request(task, length, texts, meta), completion)
