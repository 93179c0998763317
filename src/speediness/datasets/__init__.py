"""Lists of videos and their decoded form; no transforms."""
