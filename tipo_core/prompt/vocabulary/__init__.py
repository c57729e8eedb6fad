"""Knowledge of tags. The other folders of `prompt` build on it.

- `tags`: categories, canonical spellings, person counts
- `names`: lists of artists, characters, series and meta tags
- `plain_text`: words of a tag without underscores and stray brackets; emoticons
- `blocklist`: words that the shipped model must neither learn nor write
"""
