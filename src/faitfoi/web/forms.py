"""The few forms of the pages."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from faitfoi.records.stages import Stage
from faitfoi.web import words
from faitfoi.web.reading import WITHOUT_DELIVERY


class SeveralFiles(forms.ClearableFileInput):
    """A file input that takes several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files; cleans into their list."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        """Return every file; an empty one stays, so that it becomes a refused line rather than vanish."""
        files = data if isinstance(data, Sequence) else [data]
        return [super(FilesField, self).clean(file, initial) for file in files] or [super().clean(None, initial)]


class UploadForm(forms.Form):
    """Files to hand over together."""

    invoices = FilesField(
        label=_("Invoices and credit notes"),
        allow_empty_file=True,
        max_length=None,
        error_messages={"required": _("Choose at least one file: an invoice as PDF, XML or JSON.")},
        widget=SeveralFiles(
            attrs={"accept": ".pdf,.xml,.json,application/pdf,application/xml,text/xml,application/json"}
        ),
    )
    name = forms.CharField(label=_("Name of this batch"), required=False, max_length=200)
    along = FilesField(
        label=_("Files to join to each mail"),
        required=False,
        allow_empty_file=True,
        max_length=None,
        widget=SeveralFiles(attrs={"accept": ".pdf,.png,.jpg,.jpeg,application/pdf,image/png,image/jpeg"}),
    )


class EngagementForm(forms.Form):
    """The engagement number that a public buyer wants and the invoice lacks (50 characters, as Chorus Pro takes it)."""

    engagement = forms.CharField(label=_("Engagement number"), required=False, max_length=50)


class SearchForm(forms.Form):
    """Search of the documents."""

    q = forms.CharField(label=_("Number or customer"), required=False, max_length=100)
    etat = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("All")),
            *((stage.value, words.STAGES[stage].label) for stage in Stage),
            (WITHOUT_DELIVERY, words.WITHOUT_DELIVERY.label),
        ],
    )


class CustomerSearchForm(forms.Form):
    """Search of the customers."""

    q = forms.CharField(label=_("Name, reference or SIREN"), required=False, max_length=100)
