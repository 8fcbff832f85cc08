"""Documents: the searchable list, one page each, the bytes of each rendering, and the one act: send again."""

from uuid import UUID

from django.contrib import messages
from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from faitfoi.einvoice.reading import Unreadable
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.pipeline import artefacts, rerouting, retry
from faitfoi.pipeline.chain import chain_of
from faitfoi.pipeline.customers import configured_channels
from faitfoi.pipeline.directory import told_of_address
from faitfoi.pipeline.dossiers import tell_communicated
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.outlook import look_ahead
from faitfoi.pipeline.relaunching import waiting_documents
from faitfoi.pipeline.statuses_pa import offers
from faitfoi.pipeline.tasks_pa import said_of
from faitfoi.pipeline.what_if import Change, changes_for
from faitfoi.records.models import Artefact, Delivery, Document
from faitfoi.web.access import Afterwards, Here, acts, changes, organisation_page, show
from faitfoi.web.forms import EngagementForm, SearchForm
from faitfoi.web.reading import find_documents
from faitfoi.web.story import tell

PER_PAGE = 50
SHOWN_PAGES = 3
PICTURE_WIDTH = 1100
SAFE_TYPES = frozenset({"application/pdf", "application/xml", "application/json"})


@organisation_page
@require_safe
def documents(request: HttpRequest, here: Here) -> HttpResponse:
    """List the documents, by number, customer or state."""
    form = SearchForm(request.GET)
    given = form.cleaned_data if form.is_valid() else {}
    query, state = given.get("q", ""), given.get("etat", "")
    page = Paginator(find_documents(query, state), PER_PAGE).get_page(request.GET.get("page"))
    return show(request, here, "pages/documents.html", {"form": form, "page": page, "query": query, "state": state})


@organisation_page
@require_safe
def document(request: HttpRequest, here: Here, document_id: UUID) -> HttpResponse:
    """Show one document: what it looks like, what was found, where it went and what became of it."""
    found = get_object_or_404(Document.objects.select_related("customer"), pk=document_id)
    story = tell(found)
    pages = _pages_of(story.legal) if story.legal else 0
    context: dict[str, object] = {
        "story": story,
        "chain": chain_of(found),
        "pages": pages,
        "pictures": range(1, min(pages, SHOWN_PAGES) + 1),
        "picture_width": PICTURE_WIDTH,
        "directory": told_of_address(story.sendings[0].delivery.address) if story.sendings else [],
        "said": said_of(here.organisation, found),
        "today": today(here.organisation),
        "offers": offers(found) if here.may_act and not found.eliminated_at else (),
        "changes": [] if found.eliminated_at else _changes(here, found),
        **(_waiting(here, found) if found.waiting_for else {}),
    }
    return show(request, here, "pages/document.html", context)


@organisation_page
@require_safe
def download(request: HttpRequest, here: Here, artefact_id: UUID) -> HttpResponse:
    """Hand over the very bytes of one rendering, as a file: never shown inside our own pages."""
    artefact = get_object_or_404(Artefact, pk=artefact_id)
    media_type = artefact.media_type if artefact.media_type in SAFE_TYPES else "application/octet-stream"
    try:
        content = artefacts.read(artefact)
    except (ObjectMissing, ObjectAltered):
        return show(request, here, "pages/error_kept.html", {"artefact": artefact}, status=500)
    if here.mandate is None:  # what an auditor reads is journalled for every page
        tell_communicated(artefact.document_id, what=artefact.role, actor=here.actor)
    response = HttpResponse(content, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{_plain(artefact.filename)}"'
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


@organisation_page
@require_safe
def picture(request: HttpRequest, here: Here, artefact_id: UUID, number: int) -> HttpResponse:  # noqa: ARG001
    """Draw one page of a rendering; 404 when it has no such page."""
    artefact = get_object_or_404(Artefact, pk=artefact_id)
    try:
        content = artefacts.picture(artefact, page=number, width=PICTURE_WIDTH)
    except (artefacts.NoPicture, ObjectMissing, ObjectAltered):
        return HttpResponse(status=404)
    response = HttpResponse(content, content_type="image/png")
    # The picture of immutable bytes never changes, but it stays on this person's computer only.
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@organisation_page
@require_POST
@acts
@changes
def send_again(request: HttpRequest, here: Here, delivery_id: UUID) -> HttpResponse:
    """Put back a delivery that certainly was not sent, now that its cause is mended."""
    delivery = get_object_or_404(Delivery, pk=delivery_id)
    if retry.put_back(delivery.pk, actor=here.actor):
        messages.success(request, _("It will leave again with the next sending."))
    else:
        messages.warning(
            request, _("It no longer waits for that: somebody else has acted meanwhile. See below where it stands.")
        )
    return redirect("document", slug=here.organisation.slug, document_id=delivery.document_id)


@organisation_page
@require_POST
@acts
@changes
def route_again(request: HttpRequest, here: Here, document_id: UUID) -> HttpResponse:
    """Look again for a way for a document that had none, now that somebody has completed what was missing."""
    document = get_object_or_404(Document, pk=document_id)
    form = EngagementForm(request.POST)
    engagement = form.cleaned_data["engagement"] if form.is_valid() else ""

    def done() -> HttpResponse:
        still = rerouting.route_again(here.organisation, document.pk, actor=here.actor, engagement=engagement)
        if still:
            messages.warning(request, still)
        else:
            messages.success(request, _("It will leave again with the next sending."))
        return redirect("document", slug=here.organisation.slug, document_id=document.pk)

    return Afterwards(done)  # the other side may be asked first


def _changes(here: Here, document: Document) -> list[Change]:
    """Return what would lead the document elsewhere today."""
    try:
        return changes_for(here.organisation, document, day=today(here.organisation))
    except Unreadable:
        return []  # written down by a version that knew other terms: the page shows the rest


def _waiting(here: Here, document: Document) -> dict[str, object]:
    """Return what helps with a document that waits: what its customer's record lacks, and who waits with it."""
    customer = document.customer
    if customer is None:
        return {}
    ahead = look_ahead(here.organisation, customer, day=today(here.organisation), configured=configured_channels())
    with_it = [other for other in waiting_documents(customer) if other.pk != document.pk]
    return {"ahead": ahead, "with_it": len(with_it)}


def _pages_of(artefact: Artefact) -> int:
    """Return how many pages can be shown: 0 for what has none, is missing or altered. Asked once per digest."""
    key = f"pages:{artefact.sha256}"
    known: int | None = cache.get(key)
    if known is None:
        try:
            known = artefacts.picture_and_pages(artefact, page=1, width=64)[1]
        except (artefacts.NoPicture, ObjectMissing, ObjectAltered):
            return 0
        cache.set(key, known, timeout=None)
    return known


def _plain(filename: str) -> str:
    """Keep what may stand in a header: our own names are ASCII already, an old one might not be."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in filename) or "document"
