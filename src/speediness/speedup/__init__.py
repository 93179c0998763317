"""From a curve to a plan to a video; no torch."""
