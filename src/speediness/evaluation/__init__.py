"""Measures the product path, not a copy of it."""
