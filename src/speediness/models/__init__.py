"""Networks; torch enters here."""
