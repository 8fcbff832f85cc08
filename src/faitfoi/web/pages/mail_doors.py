"""The addresses that mail providers call, with the last call of each, and what their calls are signed by."""

from collections.abc import Mapping
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
from faitfoi.pipeline.mail_calls import NoDoor, doors_of, open_door, revoke_door, said_of
from faitfoi.pipeline.mail_wizard import PROOFS, SECRETS, present_set_up, save_proofs
from faitfoi.pipeline.setting_up import CannotSetUp
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
    return _page(request, here, made=made, status=status)


@organisation_act
@require_POST
@changes
def mail_proofs(request: HttpRequest, here: Here) -> HttpResponse:
    """Keep which provider carries the mails and what it signs its calls by; no secret is ever shown again."""
    _let_managers(here)
    given = {name: request.POST.get(name, "") for name in PROOFS}
    try:
        save_proofs(here.organisation, given, forget=request.POST.getlist("forget"), actor=here.actor)
    except CannotSetUp as error:
        messages.warning(request, str(error))
        return _page(request, here, typed={name: given[name] for name in PROOFS if name not in SECRETS}, status=422)
    messages.success(request, _("Kept: the provider’s next call is judged by it."))
    return redirect("mail_doors", slug=here.organisation.slug)


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


def _page(
    request: HttpRequest, here: Here, *, made: str = "", typed: Mapping[str, str] | None = None, status: int = 200
) -> HttpResponse:
    doors = [(door, words.PROVIDERS[door.provider], said_of(door)) for door in doors_of(here.organisation)]
    with acting_for(here.organisation.id):
        proofs = present_set_up()
        context: dict[str, object] = {
            "doors": doors,
            "made": made,
            "providers": words.PROVIDERS.items(),
            "managed": may(here.role, Duty.APPROVE),
            "proofs": proofs,
            "typed": typed or proofs.values,
        }
        return show(request, here, "pages/mail_doors.html", context, status=status)


def _let_managers(here: Here) -> None:
    if not may(here.role, Duty.APPROVE):
        raise PermissionDenied
