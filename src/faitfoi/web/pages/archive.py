"""The archive: attestations asked for and handed over."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.witness_wire import WitnessSilent
from faitfoi.pipeline.attesting import CannotAttest, read_attestation
from faitfoi.pipeline.sealing import CannotSeal
from faitfoi.pipeline.statements import OF_A_DOCUMENT, attest_document
from faitfoi.pipeline.witnessing import JournalBehind
from faitfoi.records.models import Attestation, Document
from faitfoi.web.access import Here, organisation_act, organisation_page, show


@organisation_act
@require_POST
def attest(request: HttpRequest, here: Here, document_id: UUID) -> HttpResponse:
    """Issue an attestation about one document, and go back to its page, where it can be taken."""
    with acting_for(here.organisation.id):
        document = get_object_or_404(Document, pk=document_id)
    kind = next((each for each in OF_A_DOCUMENT if each.value == request.POST.get("kind")), None)
    if kind is None:
        raise Http404
    try:
        issued = attest_document(here.organisation.id, document.pk, kind, actor=here.actor)
    except (CannotAttest, CannotSeal, JournalBehind, WitnessSilent) as error:
        messages.warning(request, str(error))
    else:
        said = _("The attestation %(reference)s is ready: take it below.")
        messages.success(request, said % {"reference": issued.attestation.reference})
    return redirect("document", slug=here.organisation.slug, document_id=document.pk)


@organisation_page
@require_safe
def attestation(request: HttpRequest, here: Here, attestation_id: UUID) -> HttpResponse:
    """Hand over the very bytes of an attestation, as a file."""
    found = get_object_or_404(Attestation, pk=attestation_id)
    try:
        content = read_attestation(found)
    except (ObjectMissing, ObjectAltered):
        return show(request, here, "pages/error_kept.html", {"artefact": found}, status=500)
    response = HttpResponse(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{found.filename}"'
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
