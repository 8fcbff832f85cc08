"""The forms of the audit trail: an auditor's access, a download of many documents, what the organisation describes."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from faitfoi.pipeline.bulk import Wanted


def day(label: Any) -> forms.DateField:
    """A day, chosen in the browser's own calendar."""
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class InviteForm(forms.Form):
    """Who may read which financial years, from which day to which."""

    email = forms.EmailField(label=_("Auditor’s e-mail"))
    name = forms.CharField(label=_("Name"), required=False, max_length=120)
    years = forms.MultipleChoiceField(label=_("Financial years they may read"), widget=forms.CheckboxSelectMultiple)
    first_day = day(_("From"))
    last_day = day(_("Until (a year at most)"))

    def __init__(self, data: Any, *, years: list[tuple[str, str]]) -> None:
        super().__init__(data)
        field = self.fields["years"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  # what the class says above
        field.choices = years


class BulkForm(forms.Form):
    """A period, and what is wanted of its documents."""

    first_day = day(_("Issued from"))
    last_day = day(_("to"))
    wanted = forms.MultipleChoiceField(
        label=_("What you want of each"),
        widget=forms.CheckboxSelectMultiple,
        choices=[
            (Wanted.PDF, _("the sealed PDF")),
            (Wanted.XML, _("its data (XML)")),
            (Wanted.DOSSIER, _("the dossier that proves it")),
        ],
    )
