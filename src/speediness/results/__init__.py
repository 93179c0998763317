"""What an analysis and a plan say, as values and as files."""
