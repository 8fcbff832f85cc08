"""The address that a plateforme agréée calls: the signature is the key, and the answer says nothing but yes or no."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from faitfoi.pipeline.webhooks_pa import called
from faitfoi.web.weight import outweighs

MOST_BYTES = 256 * 1024


@csrf_exempt  # the caller has no session: what it sends is signed
@require_POST
def call(request: HttpRequest, organisation_id: UUID) -> HttpResponse:
    """Take a call in and answer at once; whoever is not believed learns nothing more."""
    if outweighs(request, MOST_BYTES):
        return HttpResponse(status=413)
    believed = called(
        organisation_id,
        request.body,
        signature=request.headers.get("Afnor-Signature", ""),
        timestamp=request.headers.get("Afnor-Signature-Timestamp", ""),
    )
    return HttpResponse(status=200 if believed else 401)
