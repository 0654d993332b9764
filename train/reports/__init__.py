"""Pages that are read in a browser, without a network."""
