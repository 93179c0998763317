"""Search by motion (SpeedNet §5.4.2): within one video, and in a library of many."""
