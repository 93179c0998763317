"""Bodies in motion before a camera, at exact times: as frames, or as motion of cells without a frame."""
