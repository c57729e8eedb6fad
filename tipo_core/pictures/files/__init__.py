"""Picture files: formats, metadata, A1111's infotext, and the graph they were made by."""
