"""The organisation's first page: what waits for someone, then the recent batches."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from faitfoi.pipeline.counts import count_batch
from faitfoi.records.models import Batch
from faitfoi.web.access import Here, organisation_page, show
from faitfoi.web.reading import waiting_for_someone

RECENT = 6


@organisation_page
@require_safe
def home(request: HttpRequest, here: Here) -> HttpResponse:
    """Show what needs a person first, then what was handed over lately."""
    batches = [(batch, count_batch(batch)) for batch in Batch.objects.order_by("-id")[:RECENT]]
    return show(request, here, "pages/home.html", {"groups": waiting_for_someone(), "batches": batches})
