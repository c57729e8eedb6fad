"""Requests in Chinese, Japanese, Korean and Russian as tags, by the dictionary of the pack.

- `word_cutting`: cuts a text of these languages into the words of the dictionary
- `word_tokens`, `numerals`, `unknown_words`: the pieces of a cut text, numbers, and words that the
  dictionary lacks
- `clause_words`: words of a clause, and nouns with what belongs to them
- `tag_grammar`, `noun_tags`: colours, counts, verbs and negations around a word: ``两把红伞`` is
  ``two red umbrellas``
- `wanted_text`: the words of a prompt that the picture shows, and its regions
- `translate`: the tags of a prompt, and the prompt with its words replaced

The dictionary itself is in `vocabulary.translations`.
"""
