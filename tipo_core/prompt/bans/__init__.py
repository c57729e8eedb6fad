"""Ban rules for generated tags and sentences.

- `rules`: the language of the rules, and which rule bans a text
- `matchers`: one kind of entry each: exact tag, glob, regular expression, category
- `linear_regex`: compiles the supported subset of regular expressions
- `automaton`: runs them in linear time
"""
