"""Text encoding as plain numbers.

- `clip_skip`: from A1111's count to a layer of the encoder
- `token_weights`: normalises and interprets the weights of tokens
- `prompt_schedule`: the clauses of a prompt that changes over time or is joined by AND
- `schedule_times`: the times in a prompt, and the steps at which they come
- `schedule_forms`: the schedules of a prompt as a template
- `prompt_chunks`: splits a prompt at BREAK
- `a1111_attention`: weights as the A1111 web UI reads them
- `a1111_chunks`: divides tokens into chunks as A1111 does
- `embedding_names`: finds and separates the embeddings of a prompt
- `unread_forms`: choices, comments and other programs' forms that are words to the encoder
- `unread_syntax`: weights, brackets and LoRA tags that are words to the encoder
- `quotes`: quotes of a prompt in reports
- `encode_report`: the report of an encoded prompt
"""
