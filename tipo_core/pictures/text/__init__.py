"""Text encoding as plain numbers.

- `clip_skip`: from A1111's count to a layer of the encoder
- `token_weights`: normalises and interprets the weights of tokens
- `prompt_schedule`: the clauses of a prompt that changes over time or is joined by AND
- `schedule_times`: the times in a prompt, and its text at one time
- `prompt_chunks`: splits a prompt at BREAK
- `encode_report`: the report of an encoded prompt
"""
