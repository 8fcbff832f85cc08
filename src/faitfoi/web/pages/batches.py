"""Batches: the list, one page each with its conserved counts, and the page that hands files over."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from faitfoi.intake.caps import MAX_FILE_BYTES
from faitfoi.pipeline.counts import count_batch
from faitfoi.pipeline.mail_files import LARGEST, MOST, files_of, has_left
from faitfoi.pipeline.pacing import expected_end, slowed_domains
from faitfoi.pipeline.receive import CannotJoin, TooMuch, receive
from faitfoi.records.models import Batch
from faitfoi.web.access import Here, acts, is_htmx, organisation_page, show
from faitfoi.web.arithmetic import TERMS, add_up
from faitfoi.web.forms import UploadForm
from faitfoi.web.lines import lines_of
from faitfoi.web.reading import LATE
from faitfoi.web.templatetags.faitfoi_pages import moment

PER_PAGE = 20
LINES_PER_PAGE = 100
RESTLESS, CALM = "3s", "30s"
STUCK = timedelta(minutes=2)
"""A file still unread after this: probably no worker runs (complaint D39)."""


@organisation_page
@require_safe
def batches(request: HttpRequest, here: Here) -> HttpResponse:
    """List the batches, newest first."""
    page = Paginator(Batch.objects.order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))
    counted = [(batch, count_batch(batch)) for batch in page.object_list]
    return show(request, here, "pages/batches.html", {"page": page, "batches": counted})


@organisation_page
@require_safe
def batch(request: HttpRequest, here: Here, batch_id: UUID) -> HttpResponse:
    """Show one batch: its sums, and the lines behind the count that was asked for.

    While something may still change by itself, the page asks for its live part again; `live=non` stops that.
    """
    found = get_object_or_404(Batch, pk=batch_id)
    counted = count_batch(found)
    asked = request.GET.get("voir", "")
    shown = asked if asked in TERMS else ""
    context: dict[str, object] = {
        "batch": found,
        "counts": counted,
        "expected_end": expected_end(found),
        "slowed": slowed_domains(found, now=timezone.now()),
        "sums": add_up(counted),
        "shown": TERMS[shown][0] if shown else "",
        "shown_key": shown,
        "page": Paginator(lines_of(found, shown), LINES_PER_PAGE).get_page(request.GET.get("page")),
        "unsettled": counted.unsettled > 0,
        "live": counted.unsettled > 0 and request.GET.get("live") != "non",
        "every": RESTLESS if timezone.now() - found.created_at < LATE else CALM,
        "files": files_of(found),
        "may_join": here.may_act
        and counted.unsettled + counted.failed + counted.needs_someone > 0
        and not has_left(found),
        "limits": {"along": MOST, "each": LARGEST},
        "stuck": counted.waiting > 0 and timezone.now() - found.created_at > STUCK,
    }
    template = "parts/batch_live.html" if is_htmx(request) else "pages/batch.html"
    return show(request, here, template, context)


@organisation_page
@require_http_methods(["GET", "HEAD", "POST"])
@acts
def upload(request: HttpRequest, here: Here) -> HttpResponse:
    """Show the sending page; take files when they are posted. Only the post hands anything over."""
    form = UploadForm(request.POST or None, request.FILES or None) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        uploaded = form.cleaned_data["invoices"]
        try:
            taken = receive(
                here.organisation,
                ((file.name or _("nameless"), file.read()) for file in uploaded),
                origin=Batch.Origin.UPLOAD,
                name=form.cleaned_data["name"] or _default_name(),
                actor=here.actor,
                along=[(file.name or "", file.read()) for file in request.FILES.getlist("along")],
            )
        except TooMuch as error:
            form.add_error("invoices", str(error))
        except CannotJoin as error:
            form.add_error("along", str(error))
        else:
            messages.success(request, _told(len(uploaded)))
            return redirect("batch", slug=here.organisation.slug, batch_id=taken.pk)
    limits = {"files": settings.DATA_UPLOAD_MAX_NUMBER_FILES, "octets": MAX_FILE_BYTES, "along": MOST, "each": LARGEST}
    status = 422 if form.errors else 200
    return show(request, here, "pages/upload.html", {"form": form, "limits": limits}, status=status)


def _default_name() -> str:
    return _("Sending of %(moment)s") % {"moment": moment(timezone.now())}


def _told(number: int) -> str:
    return ngettext(
        "%(number)d file received. It is being read and checked; this page follows it.",
        "%(number)d files received. They are being read and checked; this page follows them.",
        number,
    ) % {"number": number}
