"""LoRAs that a prompt names, as plain text and numbers.

- `lora_tags`: `<lora:name:model:clip>` in a prompt
- `tag_removal`: the prompt without its tags
- `lora_names`: from the name in a tag to a file of the folder list
- `lora_schedule`: the weights of each file over time
- `lora_keys`: the model that a LoRA's tensors belong to
- `lora_report`: the report of applied LoRAs
"""
