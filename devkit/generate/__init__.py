"""What is derived from the code and the templates, and committed."""
