"""The laboratory: how tipo-nano and toy-sd are made and measured; README.md explains it.

nano/                 tipo-nano, the language model that ships
toy_sd/               toy-sd, the image model of the demo and the tests
split/                how well prompts are split into tags and captions
translations/         the dictionary of Chinese, Japanese, Korean and Russian words
name_lists            the name lists of the pack
efficientnet_lite0    weights of an extractor for `tipo_core.evaluate`
"""
