"""Auditors: who may read which years until when; and what an examination takes away, dossier by dossier or at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from faitfoi.accounts.duties import Duty, may
from faitfoi.accounts.financial_years import year_named
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.witness_wire import WitnessSilent
from faitfoi.pipeline import auditors, bulk
from faitfoi.pipeline.dossiers import NotProved, make_dossier, tell_communicated
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.witnessing import JournalBehind
from faitfoi.records.models import Document
from faitfoi.web.access import Afterwards, Here, organisation_page, show
from faitfoi.web.audit_forms import BulkForm, InviteForm

YEARS_OFFERED = 6


@organisation_page
@require_http_methods(["GET", "HEAD", "POST"])
def auditors_page(request: HttpRequest, here: Here) -> HttpResponse:
    """List the accesses given; a manager gives one."""
    managed = may(here.role, Duty.INVITE)
    if request.method == "POST" and not managed:
        raise PermissionDenied
    form = InviteForm(request.POST or None, years=_years(here))
    password = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            invited = auditors.invite(
                here.organisation,
                given["email"],
                name=given["name"],
                years=[int(year) for year in given["years"]],
                first_day=given["first_day"],
                last_day=given["last_day"],
                actor=here.actor,
            )
        except auditors.CannotInvite as error:
            form.add_error(None, str(error))
        else:
            # Shown once, in the answer itself: a redirection would have to keep it somewhere.
            password = invited.password
            messages.success(request, _("The access is open. Tell them the address of this site."))
            form = InviteForm(None, years=_years(here))
    context = {
        "form": form,
        "managed": managed,
        "mandates": auditors.mandates(here.organisation),
        "today": today(here.organisation),
        "password": password,
    }
    return show(request, here, "pages/auditors.html", context, status=422 if form.errors else 200)


@organisation_page
@require_POST
def revoke_auditor(request: HttpRequest, here: Here) -> HttpResponse:
    """Take an access back at once."""
    if not may(here.role, Duty.INVITE):
        raise PermissionDenied
    if auditors.revoke(here.organisation, request.POST.get("email", ""), actor=here.actor):
        messages.success(request, _("The access is closed: they can read nothing any more."))
    else:
        messages.warning(request, _("There was no open access for this address."))
    return redirect("auditors", slug=here.organisation.slug)


@organisation_page
@require_safe
def dossier(request: HttpRequest, here: Here, document_id: UUID) -> HttpResponse:
    """Hand over what proves one document; that it was handed over is journalled."""
    document = get_object_or_404(Document, pk=document_id)
    if here.mandate is None:
        tell_communicated(document.pk, what="dossier", actor=here.actor)

    def made() -> HttpResponse:
        try:
            name, content = make_dossier(here.organisation.id, document_id)
        except (JournalBehind, NotProved, WitnessSilent, ObjectMissing, ObjectAltered) as error:
            return show(request, here, "pages/error_dossier.html", {"sentence": str(error)}, status=503)
        response = HttpResponse(content, content_type="application/zip")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
        return response

    return Afterwards(made)


@organisation_page
@require_safe
def bulk_page(request: HttpRequest, here: Here) -> HttpResponse:
    """Ask which documents are wanted, and what of them."""
    form = BulkForm(request.GET or None)
    year = here.organisation.financial_year(today(here.organisation))
    return show(request, here, "pages/bulk.html", {"form": form, "year": year, "most": bulk.MOST})


@organisation_page
@require_safe
def bulk_files(request: HttpRequest, here: Here) -> HttpResponse:
    """Send the files of a period as one archive, each reading journalled as it leaves."""
    form = BulkForm(request.GET)
    if not form.is_valid():
        return show(request, here, "pages/bulk.html", {"form": form, "most": bulk.MOST}, status=422)
    given = form.cleaned_data
    wanted = frozenset(bulk.Wanted(each) for each in given["wanted"])
    selection = bulk.Selection(first_day=given["first_day"], last_day=given["last_day"], wanted=wanted)
    try:
        ids = bulk.select(selection)
    except bulk.TooMany as error:
        form.add_error(None, str(error))
        return show(request, here, "pages/bulk.html", {"form": form, "most": bulk.MOST}, status=422)
    folder = f"{here.organisation.slug}-{selection.first_day}-{selection.last_day}"

    def sent() -> HttpResponseBase:
        pieces = bulk.archive(here.organisation.id, ids, wanted, opening=_opening(here, wanted), folder=folder)
        response = StreamingHttpResponse(pieces, content_type="application/zip")
        response.headers["Content-Disposition"] = f'attachment; filename="{folder}.zip"'
        return response

    return Afterwards(sent)


def _opening(here: Here, wanted: frozenset[bulk.Wanted]) -> bulk.Opening:
    what = " ".join(sorted(wanted))

    @contextmanager
    def opened(document_id: UUID) -> Iterator[None]:
        with acting_for(here.organisation.id):
            if here.mandate is None:
                tell_communicated(document_id, what=what, actor=here.actor)
                yield
                return
            # Asked again for each: an access that is taken back ends a download that is under way.
            mandate = auditors.mandate_in_force(here.organisation, here.user)
            with auditors.held_to(here.organisation, mandate):
                if Document.objects.filter(pk=document_id).exists():
                    auditors.journal_reading(
                        actor=here.actor, mandate=mandate, page="bulk_files", document_id=document_id, what=what
                    )
                yield

    return opened


def _years(here: Here) -> list[tuple[str, str]]:
    """Offer this financial year and the last ones; one that spans two calendar years says so."""
    this_year = here.organisation.financial_year(today(here.organisation)).year
    offered = []
    for year in range(this_year, this_year - YEARS_OFFERED, -1):
        days = year_named(year, ends_in=here.organisation.financial_year_ends_in)
        spans = days.first_day.year != days.last_day.year
        offered.append((str(year), f"{days.first_day:%d/%m/%Y} – {days.last_day:%d/%m/%Y}" if spans else str(year)))
    return offered
