"""The version, apart from the package, whose other names stand on everything else."""

__version__ = "0.1.0"
