"""Sampling as plain numbers.

- `denoise`: the steps that are run below denoise 1
- `guidance`: cfg for each step, and the rescaling of guidance
- `sampling_trace`: counts model calls; the report of a run
- `sweep`: one or two parameters over lists of values, and `axis`: one of them with its labels
- `value_lists`: lists of numbers, `sampler_names`: A1111's names, `search_replace`: Prompt S/R
- `grid`: draws pictures with labels as one picture
- `grid_layout`: the places of pictures and labels in a grid, and `labels`: texts as pixels
"""
