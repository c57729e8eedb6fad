"""Splits a mixed prompt into tags, captions, networks and the rest, each verbatim.

- `split_prompt`: the result and its assembly
- `units`: cuts a prompt into the units that are labelled
- `labels`: labels the units as tags or caption, all of them together (Viterbi)
- `caption_classifier`: the score of one unit from its words
"""
