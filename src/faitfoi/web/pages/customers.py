"""Customers: the searchable list, one page each, the record's form, and what waited for it."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from faitfoi.pipeline.customers import buyer_of, configured_channels, draft_customer
from faitfoi.pipeline.directory import CHANNEL, addresses_of, ask_now, asked_of
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.outlook import look_ahead
from faitfoi.pipeline.relaunching import relaunch, waiting_documents
from faitfoi.pipeline.setting_up import CannotSetUp, change_customer, choose_customer, create_customer
from faitfoi.pipeline.structures import structure_of
from faitfoi.records.models import Customer, Document
from faitfoi.records.stages import Nature
from faitfoi.web.access import Afterwards, Here, acts, changes, organisation_page, show
from faitfoi.web.customer_form import CustomerForm, meanings_of_natures, values_of
from faitfoi.web.forms import CustomerSearchForm
from faitfoi.web.reading import find_customers, resembling, with_stage

PER_PAGE = 50
DOCUMENTS_PER_PAGE = 20
TOLD = 3
"""Documents that still wait and are named in the message; the page lists them all."""


@organisation_page
@require_safe
def customers(request: HttpRequest, here: Here) -> HttpResponse:
    """List the customers by name, reference or number, each with the way of its next invoice."""
    form = CustomerSearchForm(request.GET)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    page = Paginator(find_customers(query), PER_PAGE).get_page(request.GET.get("page"))
    day, configured = today(here.organisation), configured_channels()
    rows = [
        (customer, look_ahead(here.organisation, customer, day=day, configured=configured))
        for customer in page.object_list
    ]
    return show(request, here, "pages/customers.html", {"form": form, "page": page, "rows": rows, "query": query})


@organisation_page
@require_safe
def customer(request: HttpRequest, here: Here, customer_id: UUID) -> HttpResponse:
    """Show one customer: how their invoices leave today, what waits for the record, the record, the documents."""
    found = get_object_or_404(Customer, pk=customer_id)
    documents = with_stage(found.documents.order_by("-issue_date", "-id"))
    configured = configured_channels()
    context: dict[str, object] = {
        "customer": found,
        "outlook": look_ahead(here.organisation, found, day=today(here.organisation), configured=configured),
        "meaning": meanings_of_natures(here.organisation)[found.nature],
        "waiting": waiting_documents(found),
        "structure": structure_of(found),
        "directory": asked_of(found),
        "may_ask": CHANNEL in configured,
        "page": Paginator(documents, DOCUMENTS_PER_PAGE).get_page(request.GET.get("page")),
    }
    return show(request, here, "pages/customer.html", context)


@organisation_page
@require_http_methods(["GET", "HEAD", "POST"])
@acts
@changes
def edit_customer(request: HttpRequest, here: Here, customer_id: UUID) -> HttpResponse:
    """Show the record's form; keep what is posted when it can be right, else show it again as typed."""
    found = get_object_or_404(Customer, pk=customer_id)
    form = _form(request, here, values_of(found))
    origin = _origin(request)
    if request.method == "POST" and form.is_valid():
        given = form.given()
        changed = {name: value for name, value in given.items() if value != getattr(found, name)}
        try:
            if changed:
                change_customer(found.pk, changed, actor=here.actor)
        except CannotSetUp as error:
            form.refuse(error)
        else:
            messages.success(request, _("The record is saved.") if changed else _("Nothing has changed."))
            return _back(here, found, origin)
    context: dict[str, object] = {"form": form, "customer": found, "origin": origin}
    return show(request, here, "pages/customer_form.html", context, status=422 if form.errors else 200)


@organisation_page
@require_http_methods(["GET", "HEAD", "POST"])
@acts
@changes
def new_customer(request: HttpRequest, here: Here) -> HttpResponse:
    """Show an empty form, or what the buyer of a document tells (`document`); write the record that is posted."""
    origin = _origin(request)
    form = _form(request, here, _first_values(here, origin))
    if request.method == "POST" and form.is_valid():
        made = Customer(organisation=here.organisation, **form.given())
        try:
            create_customer(made, actor=here.actor, document_id=origin.pk if origin else None)
        except CannotSetUp as error:
            form.refuse(error)
        else:
            messages.success(request, _("The record is created."))
            return _back(here, made, origin)
    alike = resembling(buyer_of(origin)) if origin and not origin.customer_id else []
    context: dict[str, object] = {"form": form, "origin": origin, "alike": alike}
    return show(request, here, "pages/customer_form.html", context, status=422 if form.errors else 200)


@organisation_page
@require_POST
@acts
@changes
def claim_document(request: HttpRequest, here: Here, document_id: UUID) -> HttpResponse:
    """Say which customer a waiting document is for, when none matched or several did."""
    document = get_object_or_404(Document, pk=document_id)
    chosen = get_object_or_404(Customer, pk=_uuid(request.POST.get("client", "")))
    if choose_customer(document.pk, chosen, actor=here.actor):
        messages.success(request, _("%(number)s is for %(name)s.") % {"number": document.number, "name": chosen.name})
    else:
        messages.warning(request, _("This document already has its customer. See below where it stands."))
    return redirect("document", slug=here.organisation.slug, document_id=document.pk)


@organisation_page
@require_POST
@acts
@changes
def relaunch_customer(request: HttpRequest, here: Here, customer_id: UUID) -> HttpResponse:
    """Look again for a way for all that waits for this customer, and say what left and what still waits."""
    found = get_object_or_404(Customer, pk=customer_id)
    return Afterwards(lambda: _relaunched(request, here, found))  # the other side may be asked first


@organisation_page
@require_POST
@acts
@changes
def ask_directory(request: HttpRequest, here: Here, customer_id: UUID) -> HttpResponse:
    """Ask the directory now about one address of this customer, and show what it said."""
    found = get_object_or_404(Customer, pk=customer_id)
    address = request.POST.get("address", "")
    if address not in addresses_of(found):
        raise Http404
    return Afterwards(lambda: _asked(request, here, found, address))  # the directory is asked outside any transaction


def _asked(request: HttpRequest, here: Here, found: Customer, address: str) -> HttpResponse:
    answer = ask_now(here.organisation.id, address, actor=here.actor)
    if isinstance(answer, str):
        messages.warning(request, answer)
    else:
        messages.success(request, _("The directory has answered."))
    return redirect("customer", slug=here.organisation.slug, customer_id=found.pk)


def _relaunched(request: HttpRequest, here: Here, found: Customer) -> HttpResponse:
    done = relaunch(here.organisation, found, actor=here.actor)
    if done.left:
        told = ngettext(
            "%(number)d document is on its way again: it leaves as soon as possible.",
            "%(number)d documents are on their way again: they leave as soon as possible.",
            done.left,
        )
        messages.success(request, told % {"number": done.left})
    for reason in list(done.still.values())[:TOLD]:
        messages.warning(request, reason)
    more = max(len(done.still) - TOLD, 0) + done.untried
    if more:
        told = ngettext("%(number)d more still waits: see below.", "%(number)d more still wait: see below.", more)
        messages.warning(request, told % {"number": more})
    if not (done.left or done.still):
        messages.info(request, _("Nothing waits for this customer any more."))
    return redirect("customer", slug=here.organisation.slug, customer_id=found.pk)


def _form(request: HttpRequest, here: Here, initial: dict[str, object]) -> CustomerForm:
    data = request.POST if request.method == "POST" else None
    return CustomerForm(data, initial=initial, organisation=here.organisation, configured=configured_channels())


def _first_values(here: Here, origin: Document | None) -> dict[str, object]:
    """Return what the invoice tells of its buyer. Not the nature: the law hangs on it, so a person says it."""
    if origin is None or origin.customer_id:
        return {"country": "FR"}
    values = values_of(draft_customer(here.organisation, buyer_of(origin)))
    return values | {"nature": values["nature"] if values["nature"] == Nature.FOREIGN else ""}


def _origin(request: HttpRequest) -> Document | None:
    """Return the document that brought the person here, if any; 404 for one that is not theirs to see."""
    told = (request.POST if request.method == "POST" else request.GET).get("document", "")
    return get_object_or_404(Document, pk=_uuid(told)) if told else None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error


def _back(here: Here, customer: Customer, origin: Document | None) -> HttpResponse:
    if origin is not None:
        return redirect("document", slug=here.organisation.slug, document_id=origin.pk)
    return redirect("customer", slug=here.organisation.slug, customer_id=customer.pk)
