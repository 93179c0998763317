"""From a curve to a plan to a film; no torch."""
