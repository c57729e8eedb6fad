"""Files that follow from others: API forms of the templates, the table of nodes, the cards."""
