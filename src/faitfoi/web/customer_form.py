"""The form of a customer's record: it gathers and shows; what may stand in a record is judged by the pipeline."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import formats
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.pipeline.setting_up import CannotSetUp
from faitfoi.records.models import Customer
from faitfoi.records.stages import GroupingWish, Nature, NoticeWish
from faitfoi.web import words

Choices = list[tuple[str, str]]
DIGITS = {"inputmode": "numeric", "autocomplete": "off"}
PLAIN = {"autocomplete": "off"}


def _text(label: Any, help_text: Any = "", attrs: Mapping[str, str] = PLAIN) -> forms.CharField:
    """Return a text field; `label` and `help_text` may be lazy."""
    return forms.CharField(label=label, help_text=help_text, required=False, widget=forms.TextInput(attrs=dict(attrs)))


class CustomerForm(forms.Form):
    """Every field of a record. None is required here: `refuse` shows what the pipeline says, beside its field."""

    name = _text(gettext_lazy("Name"), gettext_lazy("As on the invoices: an invoice is recognised by it too."))
    reference = _text(gettext_lazy("Reference"), gettext_lazy("Your own, the customer’s account number for instance."))
    nature = forms.ChoiceField(label=gettext_lazy("What this customer is"), required=False, widget=forms.RadioSelect)
    siren = _text("SIREN", gettext_lazy("9 digits; on the customer’s letters and quotes."), DIGITS)
    siret = _text("SIRET", gettext_lazy("14 digits: the SIREN and the establishment. Chorus Pro wants it."), DIGITS)
    vat_number = _text(gettext_lazy("VAT number"), gettext_lazy("FR and 11 characters for a French customer."))
    country = _text(gettext_lazy("Country"), gettext_lazy("Two letters: FR, BE, DE…"))
    billing_email = _text(
        gettext_lazy("Billing e-mail"),
        gettext_lazy("Where the invoices go by e-mail: rather a shared mailbox than one person’s."),
        {"autocomplete": "off", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"},
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language of the messages"),
        help_text=gettext_lazy("The invoice itself stays as it is: this is the mail that carries it."),
        required=False,
        choices=[("", gettext_lazy("As the country says")), ("fr", "Français"), ("en", "English")],
    )
    electronic_address = _text(
        gettext_lazy("Electronic address"),
        gettext_lazy("That of the e-invoicing directory, often the SIREN: for plateformes agréées only."),
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel of the invoices"),
        help_text=gettext_lazy("Among those the law allows for this customer; otherwise this choice is not followed."),
        required=False,
    )
    copy_channel = forms.ChoiceField(
        label=gettext_lazy("Copy"),
        help_text=gettext_lazy("A copy marked COPIE, beside an invoice that leaves by another channel."),
        required=False,
    )
    notice = forms.ChoiceField(
        label=gettext_lazy("Notice"),
        help_text=gettext_lazy(
            "A mail that says that the invoice lies on Chorus Pro or the plateforme agréée, without carrying it."
        ),
        required=False,
    )
    grouping = forms.ChoiceField(
        label=gettext_lazy("Mails"),
        help_text=gettext_lazy("When several invoices of one sending go to this customer by e-mail."),
        required=False,
        choices=[
            (GroupingWish.USUAL, gettext_lazy("As your organisation’s settings say")),
            (GroupingWish.INVOICE, gettext_lazy("One for each invoice")),
            (GroupingWish.CUSTOMER, gettext_lazy("One for all the invoices of a sending")),
        ],
    )
    code_service = _text(
        gettext_lazy("Code service"), gettext_lazy("The office that pays, as Chorus Pro names it. Ask your contact.")
    )
    code_service_required = forms.BooleanField(label=gettext_lazy("It wants a code service"), required=False)
    chorus_deposit = forms.ChoiceField(
        label=gettext_lazy("How their invoices are deposited"),
        help_text=gettext_lazy("Leave it, unless this customer refuses what the others take: most never need it."),
        required=False,
        choices=[
            ("", gettext_lazy("Like your organisation")),
            ("flux", gettext_lazy("As a file with its data (flow)")),
            ("pdf", gettext_lazy("As a plain PDF, with its fields")),
            ("soumettre", gettext_lazy("Field by field, without a file")),
        ],
    )
    engagement_required = forms.BooleanField(
        label=gettext_lazy("It wants an engagement number (purchase order) on each invoice"), required=False
    )

    def __init__(self, *args: Any, organisation: Organisation, configured: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["nature"].choices = [  # type: ignore[attr-defined]  # a ChoiceField, declared above
            (key, capfirst(str(words.NATURES[key]))) for key in Nature.values
        ]
        usual = _("Like your organisation: %(channel)s")
        own = usual % {"channel": words.CHANNELS[organisation.default_channel]}
        self.fields["channel"].choices = _channels(own, [*ChannelKey], configured)  # type: ignore[attr-defined]
        same = usual % {"channel": words.CHANNELS.get(organisation.copy_channel) or _("none")}
        if not organisation.copy_channel:
            same = usual % {"channel": _("no copy")}
        # Only a copy by e-mail can be made today; a record that says otherwise keeps showing what it says.
        present = str(self.initial.get("copy_channel") or "")
        copies = [ChannelKey.EMAIL, ChannelKey(present)]
        self.fields["copy_channel"].choices = _channels(same, copies, configured)  # type: ignore[attr-defined]
        told = words.CHANNELS[organisation.notice_channel] if organisation.notice_channel else _("no notice")
        self.fields["notice"].choices = [  # type: ignore[attr-defined]
            (NoticeWish.USUAL, usual % {"channel": told}),
            (NoticeWish.EMAIL, capfirst(str(words.CHANNELS[ChannelKey.EMAIL]))),
            (NoticeWish.NONE, _("No notice")),
        ]
        self.meanings = meanings_of_natures(organisation)

    def given(self) -> dict[str, object]:
        """Return the record's fields as typed, without the spaces around them. The form must be valid."""
        return {name: self.cleaned_data[name] for name in self.fields}

    def refuse(self, error: CannotSetUp) -> None:
        """Show what the pipeline does not take, each beside its field."""
        for name, sentence in error.problems.items():
            self.add_error(name if name in self.fields else None, sentence)
        if not error.problems:
            self.add_error(None, str(error))

    def natures(self) -> list[dict[str, object]]:
        """Return the choices of nature, each with what it means for the way of sending."""
        chosen = self["nature"].value()
        return [
            {"key": key, "label": label, "meaning": self.meanings[key], "chosen": key == chosen}
            for key, label in self.fields["nature"].choices  # type: ignore[attr-defined]
        ]


def values_of(customer: Customer) -> dict[str, object]:
    """Return a record as the form's initial values."""
    return {name: getattr(customer, name) for name in CustomerForm.base_fields}


def meanings_of_natures(organisation: Organisation) -> dict[str, str]:
    """Say for each nature who is meant and how the law lets their invoices leave."""
    start = formats.date_format(organisation.issues_electronically_from, "SHORT_DATE_FORMAT")
    return {
        Nature.PUBLIC: _("State, town halls, public schools and hospitals: the law wants Chorus Pro."),
        Nature.TAXABLE: _(
            "Companies, farmers, craftsmen, even those exempt from charging it: any channel at first; "
            "from %(start)s, your plateforme agréée only."
        )
        % {"start": start},
        Nature.NOT_TAXABLE: _("Associations without commercial activity, for instance: the channel is free."),
        Nature.CONSUMER: _("Somebody who buys for themselves: the channel is free."),
        Nature.FOREIGN: _("Company or person without establishment in France: the channel is free."),
    }


def _channels(usual: str, keys: list[ChannelKey], configured: frozenset[str]) -> Choices:
    choices: Choices = [("", usual)]
    for key in dict.fromkeys(keys):
        if key:
            label = capfirst(str(words.CHANNELS[key]))
            choices.append(
                (key, label if key in configured else _("%(channel)s (not set up yet)") % {"channel": label})
            )
    return choices
