"""tipo-nano: its training samples, its training, and the measures of its answers.

    python -m lab.nano train|evaluate|card

data/       samples from corpora: tag sets, captions, metadata
measures/   form, content, variety, perplexity and safety of answers; the model card
"""
