"""tipo-nano: how its training data is made, and how good its answers are."""
