"""Many videos at once: which there are, analysing them here or on many machines, what all say together."""
