"""The guided task of an invoice that waits for us on Chorus Pro: one screen for each of its three halts."""

from collections.abc import Callable, Mapping
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from faitfoi.accounts.duties import Duty, entitled
from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.acting import CannotAct
from faitfoi.pipeline.chorus_halts import PAPERS, Halt, Paper, acknowledge, complete, halted, present_routing, recycle
from faitfoi.pipeline.structures import NotTold, describe, look_up, may_be_asked, structure_told
from faitfoi.records.models import Act, Customer, Delivery
from faitfoi.web.access import Here, changes, organisation_act, organisation_page, show

TEMPLATES = {
    Halt.RECYCLE: "pages/chorus_recycle.html",
    Halt.COMPLETE: "pages/chorus_complete.html",
    Halt.REJECTED: "pages/chorus_rejected.html",
}


@organisation_page
@require_safe
def task(request: HttpRequest, here: Here, delivery_id: UUID) -> HttpResponse:
    """Show what Chorus Pro waits for, and how to answer it."""
    delivery = get_object_or_404(Delivery.objects.select_related("document__customer"), pk=delivery_id)
    return _show(request, here, delivery, {})


@organisation_act
@require_POST
@changes
def answer(request: HttpRequest, here: Here, delivery_id: UUID) -> HttpResponse:
    """Ask for the act that the person has chosen, or show again what they typed with what is wrong."""
    with acting_for(here.organisation.id):
        delivery = get_object_or_404(Delivery.objects.select_related("document__customer"), pk=delivery_id)
    given = request.POST
    doing = ANSWERS.get(given.get("halt", ""))
    try:
        if doing is None:
            raise CannotAct(_("This page has changed meanwhile: look at it again, then answer."))
        doing(here.organisation, delivery.pk, given, _attachments(request), here.actor)
    except CannotAct as error:
        messages.warning(request, str(error))
        with acting_for(here.organisation.id):
            return _show(request, here, delivery, {name: str(given.get(name, "")) for name in given}, status=422)
    messages.success(request, _("It leaves for Chorus Pro now. What it answers will stand on this page."))
    return redirect("document", slug=here.organisation.slug, document_id=delivery.document_id)


@organisation_act
@require_POST
@changes
def refresh_structure(request: HttpRequest, here: Here, customer_id: UUID) -> HttpResponse:
    """Ask Chorus Pro now about a public customer's structure and the service on the record; say what it answers."""
    with acting_for(here.organisation.id):
        customer = get_object_or_404(Customer, pk=customer_id)
        if not may_be_asked(customer):
            raise Http404
    services = [customer.code_service] if customer.code_service else []
    try:
        told = look_up(here.organisation.id, customer.siret, services=services, actor=here.actor)
    except NotTold as error:
        messages.warning(request, str(error))
    else:
        said = describe(told)[0]
        (messages.success if told.known and told.active else messages.warning)(request, said)
    return redirect(reverse("customer", args=[here.organisation.slug, customer.pk]) + "#structure")


def _show(
    request: HttpRequest, here: Here, delivery: Delivery, typed: Mapping[str, str], *, status: int = 200
) -> HttpResponse:
    found = halted(delivery)
    context: dict[str, object] = {"delivery": delivery, "document": delivery.document, "found": found}
    if not here.may_act:
        context["who"] = entitled(here.organisation.id, Duty.SEND)
    if found is None:
        return show(request, here, "pages/chorus_nothing.html", context, status=status)
    if found.halt is Halt.RECYCLE:
        routing = {**present_routing(delivery), **typed}
        known = structure_told(routing["siret"])
        services = [each for each in known.services if each["active"]] if known else []
        context |= {"routing": routing, "structure": describe(known) if known else [], "services": services}
    if found.halt is Halt.COMPLETE:
        context |= {"papers": PAPERS, "typed": typed}
    return show(request, here, TEMPLATES[found.halt], context, status=status)


def _attachments(request: HttpRequest) -> list[Paper]:
    """Read the files of the form."""
    return [
        Paper(
            filename=each.name or "piece",
            media_type=each.content_type or "application/octet-stream",
            content=each.read(),
        )
        for each in request.FILES.getlist("files")
    ]


Doing = Callable[[Organisation, UUID, QueryDict, list[Paper], str], Act]


def _recycle(organisation: Organisation, delivery_id: UUID, given: QueryDict, _files: list[Paper], actor: str) -> Act:
    return recycle(
        organisation,
        delivery_id,
        siret=given.get("siret", ""),
        code=given.get("code_service", ""),
        engagement=given.get("engagement", ""),
        comment=given.get("comment", ""),
        actor=actor,
    )


def _complete(organisation: Organisation, delivery_id: UUID, given: QueryDict, files: list[Paper], actor: str) -> Act:
    return complete(
        organisation,
        delivery_id,
        files=files,
        paper=given.get("paper", ""),
        comment=given.get("comment", ""),
        actor=actor,
    )


def _acknowledge(
    organisation: Organisation, delivery_id: UUID, _given: QueryDict, _files: list[Paper], actor: str
) -> Act:
    return acknowledge(organisation, delivery_id, actor=actor)


ANSWERS: Mapping[str, Doing] = {
    Halt.RECYCLE.value: _recycle,
    Halt.COMPLETE.value: _complete,
    Halt.REJECTED.value: _acknowledge,
}
