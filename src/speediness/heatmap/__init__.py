"""Heat maps (SpeedNet §5.5): where in the image the network sees what it says."""
