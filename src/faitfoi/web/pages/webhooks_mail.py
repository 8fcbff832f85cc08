"""The address that mail providers call: the secret in it is all that tells whose it is."""

import httpx
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from faitfoi.pipeline.mail_calls import Forged, NoDoor, NotNow, NotRead, Revoked, take_call
from faitfoi.web.weight import outweighs

LONGEST = 1024 * 1024


@csrf_exempt
@require_POST
def called(request: HttpRequest, secret: str) -> HttpResponse:
    """Take a call in: 200 once kept, 403 when it proves nothing, 503 to call again.

    404 for an address that nobody gave out, 410 for one that was taken back.
    What is said again changes nothing, so that a provider may repeat as it likes.
    """
    if outweighs(request, LONGEST):
        return HttpResponse(status=413)
    try:
        take_call(secret, headers=dict(request.headers), body=request.body)
    except NoDoor:
        return HttpResponse(status=404)
    except Revoked:
        return HttpResponse(status=410)
    except Forged:
        return HttpResponse(status=403)
    except NotRead:
        return HttpResponse(status=400)
    except (NotNow, httpx.HTTPError):
        return HttpResponse(status=503)
    return HttpResponse(status=200)
