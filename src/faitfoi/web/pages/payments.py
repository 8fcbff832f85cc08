"""What a customer has paid of one invoice: recorded after a preview of what that declares, and taken back."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from faitfoi.pipeline.installation import today
from faitfoi.pipeline.payments import CannotRecord, Draft, draft, paid_so_far, record_payment, reverse_payment
from faitfoi.records.models import Document, Payment
from faitfoi.records.models_document import DocumentKind
from faitfoi.web.access import Here, acts, changes, organisation_page, show


class PaymentForm(forms.Form):
    """One payment received."""

    amount = forms.DecimalField(
        label=gettext_lazy("Amount received, VAT included"), max_digits=19, decimal_places=2, localize=True
    )
    paid_on = forms.DateField(
        label=gettext_lazy("The day it came"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reference = forms.CharField(label=gettext_lazy("Reference (optional)"), max_length=140, required=False)


@organisation_page
@require_http_methods(["GET", "HEAD", "POST"])
@acts
@changes
def payments(request: HttpRequest, here: Here, document_id: UUID) -> HttpResponse:
    """Show the payments of an invoice; preview one, record it, or take one back."""
    invoices = Document.objects.select_related("customer").filter(kind=DocumentKind.INVOICE, eliminated_at=None)
    document = get_object_or_404(invoices, pk=document_id)
    form, drafted = PaymentForm(request.POST if request.POST.get("step") in {"preview", "record"} else None), None
    if request.method == "POST" and request.POST.get("reverse"):
        _reverse(request, here, document)
        return redirect("payments", slug=here.organisation.slug, document_id=document.pk)
    if form.is_bound and form.is_valid():
        drafted = _draft(form, here, document)
        if drafted is not None and request.POST.get("step") == "record":
            try:
                record_payment(document, drafted, actor=here.actor)
            except CannotRecord as error:
                messages.warning(request, str(error))
            else:
                messages.success(request, _("The payment is recorded."))
            return redirect("payments", slug=here.organisation.slug, document_id=document.pk)
    context: dict[str, object] = {
        "document": document,
        "form": form,
        "drafted": drafted,
        "payments": Payment.objects.filter(document=document).select_related("reversed_by").order_by("paid_on", "id"),
        "left": document.total_with_vat - paid_so_far(document),
    }
    return show(request, here, "pages/payments.html", context)


def _draft(form: PaymentForm, here: Here, document: Document) -> Draft | None:
    given = form.cleaned_data
    try:
        return draft(
            document,
            paid_on=given["paid_on"],
            amount=given["amount"],
            today=today(here.organisation),
            reference=given["reference"],
        )
    except CannotRecord as error:
        form.add_error(None, str(error))
    return None


def _reverse(request: HttpRequest, here: Here, document: Document) -> None:
    try:
        payment = get_object_or_404(Payment, pk=UUID(request.POST["reverse"]), document=document)
        reverse_payment(payment.pk, today=today(here.organisation), actor=here.actor)
    except (CannotRecord, ValueError) as error:
        messages.warning(request, str(error) if isinstance(error, CannotRecord) else _("There is no such payment."))
    else:
        messages.success(request, _("The payment is taken back by a negative one."))
