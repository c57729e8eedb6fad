"""Words of a prompt that deny a thing: `no cars`, `without trees`, `cloudless`."""
