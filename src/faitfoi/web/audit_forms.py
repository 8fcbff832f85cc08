"""The forms of the audit trail: an auditor's access, a download of many documents, what the organisation describes."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from faitfoi.pipeline.bulk import Wanted
from faitfoi.pipeline.linked_documents import REFERENCES
from faitfoi.pipeline.paf_facts import MONTHS
from faitfoi.pipeline.seal_look import PLACES
from faitfoi.records.models import AuditSettings

HIDDEN, CURRENT = "hidden", "current"
"""The two choices of a seal's place that are no place of the list: none, and the one set by the command."""
ASKED = ("BT-12", "BT-13", "BT-14", "BT-15", "BT-16", "BT-18")
"""The references that an organisation may want on its invoices, or on one invoice only."""


def day(label: Any, *, required: bool = True) -> forms.DateField:
    """A day, chosen in the browser's own calendar."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, required=required)


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


class HoldForm(forms.Form):
    """What must not be eliminated: one document, or those issued in a period, or everything; and why."""

    number = forms.CharField(label=_("Number of the document"), required=False, max_length=60)
    first_day = day(_("Issued from"), required=False)
    last_day = day(_("to"), required=False)
    reason = forms.CharField(label=_("Reason (dispute, tax audit…)"), max_length=500)

    def clean(self) -> dict[str, Any]:
        """Let a hold say one thing: a number, or both days of a period, or neither."""
        given = super().clean() or {}
        days = [given.get("first_day"), given.get("last_day")]
        if given.get("number") and any(days):
            raise forms.ValidationError(_("Give the number of one document or the days of a period, not both."))
        if any(days) and not all(days) and not self.errors:
            raise forms.ValidationError(_("A period has a first and a last day: give both."))
        return given

    @property
    def period(self) -> tuple[date, date] | None:
        """The days of the period, both included; None when it is about something else."""
        first, last = self.cleaned_data.get("first_day"), self.cleaned_data.get("last_day")
        return (first, last) if first and last else None


class SealForm(forms.Form):
    """Where the seal shows on the first page, if it does."""

    place = forms.ChoiceField(label=_("Where the stamp goes"), widget=forms.RadioSelect)

    def __init__(self, data: Any, *, place: str) -> None:
        names = {place: name for name, place in PLACES.items()}
        super().__init__(data, initial={"place": names.get(place, CURRENT) if place else HIDDEN})
        offered: list[tuple[str, Any]] = [
            (HIDDEN, _("no stamp: the page stays as it is")),
            ("top-right", _("at the top right")),
            ("top-left", _("at the top left")),
            ("bottom-right", _("at the bottom right")),
            ("bottom-left", _("at the bottom left")),
        ]
        if place and place not in names:
            offered.append((CURRENT, _("where it is now, set by the command line")))
        field = self.fields["place"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # what the class says above
        field.choices = offered


class TrailForm(forms.Form):
    """What only the organisation knows of its audit trail."""

    responsible = forms.CharField(
        label=_("Who is responsible for the controls (a function rather than a name)"), required=False, max_length=120
    )
    ends_in = forms.TypedChoiceField(label=_("The books are closed at the end of"), coerce=int)
    storage_place = forms.CharField(
        label=_("Where the archive is stored (town and country of each copy)"), required=False, max_length=200
    )
    before_invoicing = forms.CharField(
        label=_("Before the invoice: how an order and a delivery become an invoice, and who checks it"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    after_sending = forms.CharField(
        label=_("After the sending: how payments are matched, and disputes settled"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    required = forms.MultipleChoiceField(
        label=_("References that each invoice must carry"), required=False, widget=forms.CheckboxSelectMultiple
    )
    unique = forms.MultipleChoiceField(
        label=_("References that are invoiced once only"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: Any, *, told: AuditSettings, ends_in: int) -> None:
        names = ("responsible", "storage_place", "before_invoicing", "after_sending", "required", "unique")
        super().__init__(data, initial={name: getattr(told, name) for name in names} | {"ends_in": ends_in})
        asked = [(term, f"{REFERENCES[term].label} ({term})") for term in ASKED]
        months = [(number, month) for number, month in enumerate(MONTHS, start=1)]
        for name, choices in (("required", asked), ("unique", asked), ("ends_in", months)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  # what the class says above
            field.choices = choices
