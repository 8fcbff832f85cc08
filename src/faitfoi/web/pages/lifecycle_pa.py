"""What a person declares by itself of an invoice at a plateforme agréée."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from faitfoi.pipeline.acting import CannotAct
from faitfoi.pipeline.statuses_pa import declare
from faitfoi.records.models import Document
from faitfoi.web.access import Here, acts, changes, organisation_page

MOST_TYPED = 1000


@organisation_page
@require_POST
@acts
@changes
def declare_status(request: HttpRequest, here: Here, document_id: UUID) -> HttpResponse:
    """Declare a status that is the seller's to say, if it may be said now."""
    document = get_object_or_404(Document, pk=document_id, eliminated_at=None)
    code, note = request.POST.get("status", "")[:8], request.POST.get("note", "")[:MOST_TYPED]
    try:
        declare(document, code, note=note, actor=here.actor)
    except CannotAct as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("The plateforme agréée is told the status %(code)s.") % {"code": code})
    return redirect("document", slug=here.organisation.slug, document_id=document.pk)
