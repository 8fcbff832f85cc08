"""The addresses that mail providers call: a manager makes one and takes one back; its last call is seen."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from faitfoi.accounts.duties import Duty, may
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.mail_calls import CALLS, NoDoor, doors_of, open_door, revoke_door
from faitfoi.web import words
from faitfoi.web.access import Here, changes, organisation_act, show


@organisation_act
@require_http_methods(["GET", "HEAD", "POST"])
@changes
def mail_doors(request: HttpRequest, here: Here) -> HttpResponse:
    """List the addresses; a manager makes one, which is shown in this answer and never again."""
    made, status = "", 200
    if request.method == "POST":
        _let_managers(here)
        try:
            secret = open_door(here.organisation, request.POST.get("provider", ""), actor=here.actor)
        except NoDoor as error:
            messages.warning(request, str(error))
            status = 422
        else:
            made = request.build_absolute_uri(reverse("mail_called", args=[secret]))
    doors = [
        (door, words.PROVIDERS[door.provider], CALLS.get(door.call_said, "")) for door in doors_of(here.organisation)
    ]
    context: dict[str, object] = {
        "doors": doors,
        "made": made,
        "providers": words.PROVIDERS.items(),
        "managed": may(here.role, Duty.APPROVE),
    }
    with acting_for(here.organisation.id):
        return show(request, here, "pages/mail_doors.html", context, status=status)


@organisation_act
@require_POST
@changes
def revoke_mail_door(request: HttpRequest, here: Here, door_id: UUID) -> HttpResponse:
    """Take an address back: from now on it answers that it is gone."""
    if door_id not in {door.id for door in doors_of(here.organisation)}:
        raise Http404
    _let_managers(here)
    if revoke_door(here.organisation, door_id, actor=here.actor):
        messages.success(request, _("This address is closed: whoever calls it is told that it is gone."))
    else:
        messages.warning(request, _("This address was no longer open."))
    return redirect("mail_doors", slug=here.organisation.slug)


def _let_managers(here: Here) -> None:
    if not may(here.role, Duty.APPROVE):
        raise PermissionDenied
