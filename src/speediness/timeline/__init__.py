"""A plan S*(t) as a timeline that a video editor opens (docs/timelines.md); no torch."""
