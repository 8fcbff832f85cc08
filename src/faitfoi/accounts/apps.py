"""Registers the accounts with Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, organisations and who belongs where."""

    name = "faitfoi.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
