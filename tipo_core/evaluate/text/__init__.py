"""Measures of expansions on real requests: `python -m tipo_core.evaluate text`.

commands             the command line, with its help texts
text_requests        the requests, as people type them
answers              the requests expanded as TIPO Expand does, or read from an earlier report
tag_knowledge        the pack's tables of slots, kinds of tags and persons, as the measures ask them
text_faults          the faults of one answer
caption_faults       seams, and captions about something else
content_words        the content words of captions
overlap              overlap and variety of additions
scorer               relevance by an independent language model
intervals            95 % intervals
measure_rows         all measures
text_output          table, JSON and CSV
"""
