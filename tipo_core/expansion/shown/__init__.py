"""A result as it is shown: whose words it has, while it is written and after it was saved."""
