"""Split a mixed prompt into tags, caption and networks; every character is kept."""

from tipo_core import split_prompt

split = split_prompt("1girl, solo, <lora:x:0.8>, A girl sits by the window. masterpiece")
print("tags:    ", split.tags)
print("caption: ", split.caption)
print("networks:", split.networks)
