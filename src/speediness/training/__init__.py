"""One loop, one recipe type, one augmentation."""
