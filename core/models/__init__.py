"""Finding base models, variants of them, whether they fit and work here."""
