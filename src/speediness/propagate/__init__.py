"""Labels of the first frame carried through a video by affinities of features."""
