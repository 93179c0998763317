"""Two videos of one action brought into step."""
