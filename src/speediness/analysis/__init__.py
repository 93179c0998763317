"""From a video to its speediness curve; no torch."""
