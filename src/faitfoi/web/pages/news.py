"""What a person answers to news: of a document, whatever its channel, or of none that we know."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from faitfoi.pipeline.acting import CannotAct
from faitfoi.pipeline.answers_pa import SUSPENDED, complete
from faitfoi.pipeline.collecting import attach_letter, settle_letter
from faitfoi.pipeline.handled import handle
from faitfoi.records.models import DeadLetter, Event
from faitfoi.web.access import Here, acts, changes, organisation_page

MOST_TYPED = 1000


@organisation_page
@require_POST
@acts
@changes
def answer(request: HttpRequest, here: Here, event_id: UUID) -> HttpResponse:
    """Declare a suspended invoice completed, or settle what a status asked for."""
    event = get_object_or_404(Event.objects.select_related("document", "delivery"), pk=event_id, axis=Event.Axis.THEIRS)
    note = " ".join(request.POST.get("note", "").split())[:MOST_TYPED]
    try:
        if request.POST.get("exit") == "complete" and event.code == SUSPENDED and event.delivery is not None:
            complete(event, note=note, actor=here.actor)
            messages.success(request, _("The platform is told that the invoice is completed (209)."))
        elif handle(event, note=note or _("Settled by a person."), actor=here.actor):
            messages.success(request, _("It is written down."))
    except CannotAct as error:
        messages.warning(request, str(error))
    return redirect("document", slug=here.organisation.slug, document_id=event.document_id)


@organisation_page
@require_POST
@acts
@changes
def unattached(request: HttpRequest, here: Here, letter_id: UUID) -> HttpResponse:
    """Look again which invoice a piece of news is about, or put it aside."""
    found = get_object_or_404(DeadLetter, pk=letter_id)
    if request.POST.get("exit") == "again":
        if attach_letter(found.pk, actor=here.actor):
            messages.success(request, _("It is written down."))
        else:
            messages.warning(request, _("No invoice of yours fits it yet."))
    elif settle_letter(found.pk, actor=here.actor):
        messages.success(request, _("It is written down."))
    return redirect("tasks", slug=here.organisation.slug)
