"""Registers the jobs with Django."""

from django.apps import AppConfig


class PipelineConfig(AppConfig):
    """The journey, its jobs and its timetable."""

    name = "faitfoi.pipeline"
    label = "pipeline"
