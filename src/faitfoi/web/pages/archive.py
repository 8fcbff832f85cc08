"""The archive: how long it is kept, what is held, what waits for a second person, and its attestations."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from faitfoi.accounts.duties import Duty, NotApart, may
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.witness_wire import WitnessSilent
from faitfoi.pipeline.archive_view import archive_of
from faitfoi.pipeline.attesting import CannotAttest, read_attestation
from faitfoi.pipeline.elimination import (
    CannotEliminate,
    approve_elimination,
    eliminable,
    refuse_elimination,
    request_elimination,
    run,
)
from faitfoi.pipeline.holding import CannotHold, lift_hold, place_hold
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.sealing import CannotSeal
from faitfoi.pipeline.statements import OF_A_DOCUMENT, attest_document
from faitfoi.pipeline.witnessing import JournalBehind
from faitfoi.records.models import Attestation, Document, Elimination, Hold
from faitfoi.web.access import Here, organisation_act, organisation_page, show
from faitfoi.web.audit_forms import HoldForm


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


@organisation_page
@require_safe
def life(request: HttpRequest, here: Here) -> HttpResponse:
    """Show the retention in force, the holds, the requests that wait, and the attestations."""
    context: dict[str, object] = {
        "archive": archive_of(here.organisation, day=today(here.organisation), actor=here.actor),
        "may_approve": may(here.role, Duty.APPROVE),
    }
    return show(request, here, "pages/archive.html", context)


@organisation_act
@require_POST
def hold(request: HttpRequest, here: Here) -> HttpResponse:
    """Hold one document by its number, the documents issued in a period, or all of the organisation's."""
    form = HoldForm(request.POST)
    if not form.is_valid():
        for problems in form.errors.values():
            for problem in problems:
                messages.warning(request, str(problem))
        return redirect("archive", slug=here.organisation.slug)
    given = form.cleaned_data
    document = None
    if number := given["number"]:
        with acting_for(here.organisation.id):
            document = Document.objects.filter(number=number).order_by("-issue_date").first()
        if document is None:
            messages.warning(request, _("No document has the number %(number)s here.") % {"number": number})
            return redirect("archive", slug=here.organisation.slug)
    return _done(
        request,
        here,
        lambda: place_hold(
            here.organisation.id,
            reason=given["reason"],
            actor=here.actor,
            document_id=document.pk if document else None,
            period=form.period,
        ),
        _("It is held: nothing of it can be eliminated."),
    )


@organisation_act
@require_POST
def lift(request: HttpRequest, here: Here, hold_id: UUID) -> HttpResponse:
    """Lift a hold that somebody else has placed."""
    with acting_for(here.organisation.id):
        get_object_or_404(Hold, pk=hold_id)
    reason = request.POST.get("reason", "")
    said = _("The hold is lifted.")
    return _done(request, here, lambda: lift_hold(here.organisation.id, hold_id, reason=reason, actor=here.actor), said)


@organisation_act
@require_POST
def eliminate(request: HttpRequest, here: Here) -> HttpResponse:
    """Ask for all that has expired to be eliminated; somebody else will say yes or no."""
    with acting_for(here.organisation.id):
        ids = [document.pk for document in eliminable(here.organisation, day=today(here.organisation))]
    reason = request.POST.get("reason", "")
    said = _("The request waits for another person to approve it.")
    return _done(
        request, here, lambda: request_elimination(here.organisation.id, ids, reason=reason, actor=here.actor), said
    )


@organisation_act
@require_POST
def decide(request: HttpRequest, here: Here, elimination_id: UUID) -> HttpResponse:
    """Approve a request of somebody else, and eliminate; or refuse it."""
    with acting_for(here.organisation.id):
        get_object_or_404(Elimination, pk=elimination_id)
    reason = request.POST.get("reason", "")
    if "approve" in request.POST and "looked" not in request.POST:
        messages.warning(request, _("Look through the documents, tick the box that says so, then approve."))
        return redirect("archive", slug=here.organisation.slug)
    if "approve" not in request.POST:
        return _done(
            request,
            here,
            lambda: refuse_elimination(here.organisation.id, elimination_id, reason=reason, actor=here.actor),
            _("The request is refused: nothing goes."),
        )

    def approve() -> None:
        approve_elimination(here.organisation.id, elimination_id, actor=here.actor, reason=reason)
        run(here.organisation.id, elimination_id, actor=here.actor)

    return _done(request, here, approve, _("What had expired is eliminated; its attestation is below."))


def _done(request: HttpRequest, here: Here, act: Callable[[], object], said: str) -> HttpResponse:
    try:
        act()
    except (CannotEliminate, CannotHold, NotApart) as error:
        messages.warning(request, str(error))
    except (CannotAttest, CannotSeal, JournalBehind, ObjectAltered, ObjectMissing, WitnessSilent) as error:
        messages.warning(request, _("Approved, not finished: %(why)s It will go on by itself.") % {"why": error})
    except OSError as error:  # a shelf that keeps a pack until its term, or that has no room
        why = error.strerror or str(error)
        messages.warning(request, _("Approved, not finished: %(why)s It will go on by itself.") % {"why": why})
    else:
        messages.success(request, said)
    return redirect("archive", slug=here.organisation.slug)
