"""Knowledge of tags. The other folders of `prompt` build on it.

- `tags`: categories, canonical spellings, person counts
- `names`: lists of artists, characters, series and meta tags
- `pairs`: which words of pictures go together, and how strongly
- `word_forms`: singular forms of nouns
- `plain_text`: words of a tag without underscores and stray brackets; emoticons
- `translations`: the dictionary of words in other languages
- `blocklist`: words that the shipped model must neither learn nor write
"""
