"""The page of ``speediness serve``: a local web server and what it shows (docs/serve.md)."""
