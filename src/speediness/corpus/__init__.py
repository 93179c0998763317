"""Many films at once: which there are, watching them here or on many machines, what all say together."""
