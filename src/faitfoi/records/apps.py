"""Registers the records with Django."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """Every business table, and the only door to a change of stage."""

    name = "faitfoi.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"
