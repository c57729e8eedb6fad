"""Lossless syntax of image prompts: the spans of a parsed prompt joined are its text.

- `parse`: prompts, segments and spans
- `scanner`: cuts text into pieces and says what each one is
- `brackets`: finds the pairs of brackets
- `comments`: finds and removes comments
- `composition`: AND and its weights
- `emphasis`: NovelAI's weights, and `parameters`: ``--ar 16:9``
- `qualifiers`: whether parentheses end a name, ``miku (append)``, or are a weight
- `span_kind`: the kinds of spans, in a file that loads no patterns
"""
