"""Registers the pages with Django."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Pages and webhooks' addresses."""

    name = "faitfoi.web"
    label = "web"
