"""A picture in, a Reading out: the one straight way."""
