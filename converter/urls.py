"""The routes of the converter; openapi.yaml describes them."""

from django.urls import path

from converter import views

urlpatterns = [
    path("", views.home, name="home"),
    path("convert/", views.convert_video, name="convert"),
    path("jobs/<str:job_id>/", views.job, name="job"),
    path("download/<str:token>/", views.download_converted, name="download"),
    path("health/", views.health, name="health"),
    path("metrics", views.metrics, name="metrics"),
]
