"""Videos on disk: reading them frame by frame with exact times, and writing them."""
