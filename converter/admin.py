"""Empty: there are no models. The admin manages Django's own users."""
