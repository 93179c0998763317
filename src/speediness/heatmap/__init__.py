"""Heat maps (SpeedNet §5.5): where in the picture the network sees what it says."""
