"""Search by motion (SpeedNet §5.4.2): within one film, and in a library of many."""
