"""The site's routes: the converter and Django's admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("converter.urls")),
]
handler400 = "converter.views.bad_request"
handler403 = "converter.views.permission_denied"
handler404 = "converter.views.page_not_found"
handler500 = "converter.views.server_error"
