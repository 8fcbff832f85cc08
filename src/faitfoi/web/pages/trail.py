"""The page of the written audit trail: its versions, and what the organisation says of itself in it."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from faitfoi.accounts.duties import Duty, may
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.pipeline.due import write_trail_later
from faitfoi.pipeline.paf import describe, read_trail
from faitfoi.records.journal import write_entry
from faitfoi.records.models import AuditSettings, WrittenTrail
from faitfoi.web.access import Here, changes, organisation_page, show
from faitfoi.web.audit_forms import TrailForm


@organisation_page
@require_http_methods(["GET", "HEAD", "POST"])
@changes
def trail(request: HttpRequest, here: Here) -> HttpResponse:
    """List the versions; a manager completes what Faitfoi cannot know, and a new version follows."""
    managed = may(here.role, Duty.INVITE)
    if request.method == "POST" and not managed:
        raise PermissionDenied
    told = AuditSettings.objects.first() or AuditSettings(organisation=here.organisation)
    form = TrailForm(request.POST or None, told=told, ends_in=here.organisation.financial_year_ends_in)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        describe(here.organisation, told, given, actor=here.actor)
        write_trail_later(here.organisation.id, actor=here.actor)
        messages.success(request, _("Kept. A new version of the audit trail is being written."))
        return redirect("trail", slug=here.organisation.slug)
    versions = WrittenTrail.objects.order_by("-version")[:50]
    context = {"form": form, "managed": managed, "versions": versions, "told": told}
    return show(request, here, "pages/trail.html", context, status=422 if form.errors else 200)


@organisation_page
@require_safe
def trail_file(request: HttpRequest, here: Here, version_id: UUID) -> HttpResponse:
    """Hand over the very bytes of one version."""
    version = get_object_or_404(WrittenTrail, pk=version_id)
    try:
        content = read_trail(version)
    except (ObjectMissing, ObjectAltered) as error:
        return show(request, here, "pages/error_dossier.html", {"sentence": str(error)}, status=500)
    if here.mandate is None:
        write_entry("communicated", actor=here.actor, what=f"audit_trail {version.version}")
    response = HttpResponse(content, content_type="application/pdf")
    name = f"piste-audit-{here.organisation.slug}-v{version.version}.pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
