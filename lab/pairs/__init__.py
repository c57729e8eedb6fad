"""Counts the pair table of the pack: ``python -m lab.pairs --data FOLDER``.

- `hand_lists`: the lists of the folder `lists`
- `word_kinds`: the kind of an entry
- `corpus_sets`: sets of entries from tag lists and captions
- `pair_lifts`: counts, shrunk log lifts, and the finished table
"""
