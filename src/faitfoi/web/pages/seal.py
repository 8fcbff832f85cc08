"""The page where an organisation chooses whether its seal shows on the page, and sees what that looks like."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from faitfoi.accounts.duties import Duty, may
from faitfoi.evidence.keys import KeyRefused
from faitfoi.evidence.seal_stamp import PlaceRefused
from faitfoi.pipeline.proof_view import seal_in_service
from faitfoi.pipeline.seal_look import PLACES, chosen_place, place_seal, preview
from faitfoi.web.access import Here, changes, organisation_page, show
from faitfoi.web.audit_forms import CURRENT, HIDDEN, SealForm

WIDTH = 420


@organisation_page
@require_http_methods(["GET", "HEAD", "POST"])
@changes
def seal(request: HttpRequest, here: Here) -> HttpResponse:
    """Show how the seal looks; a manager chooses its place on what is sealed from now on."""
    managed = may(here.role, Duty.INVITE)
    if request.method == "POST" and not managed:
        raise PermissionDenied
    place = chosen_place()
    form = SealForm(request.POST or None, place=place)
    if request.method == "POST" and form.is_valid():
        try:
            place_seal(here.organisation, _place_of(form.cleaned_data["place"]), actor=here.actor)
        except (KeyRefused, PlaceRefused) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Kept. What is sealed from now on will look like this."))
            return redirect("seal", slug=here.organisation.slug)
    context = {
        "form": form,
        "managed": managed,
        "seal": seal_in_service(),
        "width": WIDTH,
        "height": WIDTH * 297 // 210,
    }
    return show(request, here, "pages/seal.html", context, status=422 if form.errors else 200)


@organisation_page
@require_safe
def seal_preview(request: HttpRequest, here: Here) -> HttpResponse:
    """Draw a page with the stamp at the place asked for."""
    asked = request.GET.get("place", CURRENT)
    if asked not in {HIDDEN, CURRENT, *PLACES}:
        raise Http404
    content = preview(here.organisation, _place_of(asked), at=timezone.now(), width=WIDTH)
    return HttpResponse(content, content_type="image/png")


def _place_of(choice: str) -> str:
    if choice == CURRENT:
        return chosen_place()
    return PLACES.get(choice, "")
