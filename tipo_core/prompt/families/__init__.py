"""The prompts that model families want: presets as data, the choice of one, and the prompt.

- `family`: a preset, read from its JSON file
- `family_files`: the files of the shipped presets and of the user's; `family_loading` reads them
- `family_guess`: the family that a graph's model, text encoder and file name show
- `encoder_readings`: changes of the user's text without which a family's encoder misreads it
- `family_prompt`: an expansion as a family's prompt, with its negative prompt and notes
"""
