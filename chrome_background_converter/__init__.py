"""The Django project."""

VERSION = "1.0.0"
