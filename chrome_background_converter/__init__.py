"""The Django project around the converter."""

VERSION = "1.0.0"
