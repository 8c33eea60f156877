"""Empty on purpose: a conversion leaves nothing behind, so there is nothing to store."""
