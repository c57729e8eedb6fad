"""Splits a mixed prompt into tags, captions, networks and the rest, each verbatim.

- `split_prompt`: the result and its assembly
- `prompt_units`: cuts a prompt into the units that are labelled
- `viterbi_labels`: labels the units as tags or caption, all of them together
- `unit_features`: what the labels depend on, from the words and the neighbours of a unit
- `sentence_forms`: sentences whose parts look like tags
- `word_classes`: classes of English words, one letter each
- `split_weights`: the trained weight of each feature
"""
