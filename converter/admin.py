"""Empty on purpose: there are no models; the admin is for Django's own users."""
