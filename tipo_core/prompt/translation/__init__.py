"""Requests in Chinese, Japanese, Korean and Russian as tags, by the dictionary of the pack.

- `word_cutting`: cuts a text of these languages into the words of the dictionary
- `tag_grammar`: colours, counts and verbs around a word: ``两把红伞`` is ``two red umbrellas``
- `translate`: the tags of a prompt, and the prompt with its words replaced

The dictionary itself is in `vocabulary.translations`.
"""
