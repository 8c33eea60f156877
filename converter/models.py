"""Empty: nothing about a conversion is stored in the database."""
