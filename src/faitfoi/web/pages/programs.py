"""The programs that use the API: their tokens, what each may do, who made it, when it last served and when it ends."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from faitfoi.accounts.duties import Duty, entitled, may
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.tokens import (
    CALLS,
    RIGHTS,
    WARNING,
    CannotMake,
    has_expired,
    make_token,
    makers_of,
    revoke_token,
    tokens_of,
)
from faitfoi.web.access import Here, changes, organisation_act, show

LIVES = {
    "90": gettext_lazy("3 months"),
    "365": gettext_lazy("1 year"),
    "730": gettext_lazy("2 years"),
    "": gettext_lazy("without end"),
}
USUAL_LIFE = "365"


@organisation_act
@require_http_methods(["GET", "HEAD", "POST"])
@changes
def programs(request: HttpRequest, here: Here) -> HttpResponse:
    """List the tokens; a manager makes one, which is shown in this answer and never again."""
    if request.method != "POST":
        return _page(request, here)
    _let_managers(here)
    name, days = request.POST.get("name", "").strip(), request.POST.get("days", USUAL_LIFE)
    if days not in LIVES:
        return _page(request, here, typed=(name, USUAL_LIFE), problem=_("Choose how long it is good for."))
    try:
        made = make_token(here.organisation, name, days=int(days) if days else None, actor=here.actor)
    except CannotMake as error:
        return _page(request, here, typed=(name, days), problem=str(error))
    return _page(request, here, made=made, made_for=name)


@organisation_act
@require_POST
@changes
def revoke_program(request: HttpRequest, here: Here, door_id: UUID) -> HttpResponse:
    """Have a token open nothing any more, from the next call on."""
    found = [token for token in tokens_of(here.organisation) if token.id == door_id]
    if not found:
        raise Http404
    _let_managers(here)
    if found[0].revoked_at is None and revoke_token(here.organisation, found[0].name, actor=here.actor):
        messages.success(request, _("The token “%(name)s” opens nothing any more.") % {"name": found[0].name})
    else:
        messages.warning(request, _("This token was revoked already."))
    return redirect("programs", slug=here.organisation.slug)


def _page(
    request: HttpRequest,
    here: Here,
    *,
    made: str = "",
    made_for: str = "",
    typed: tuple[str, str] = ("", USUAL_LIFE),
    problem: str = "",
) -> HttpResponse:
    now, makers = timezone.now(), makers_of(here.organisation)
    tokens = [
        {
            "is": token,
            "maker": makers.get(str(token.id), "—"),
            "said": CALLS.get(token.call_said, ""),
            "expired": has_expired(token, at=now),
        }
        for token in tokens_of(here.organisation)
    ]
    with acting_for(here.organisation.id):
        managed = may(here.role, Duty.APPROVE)
        context: dict[str, object] = {
            "tokens": tokens,
            "rights": RIGHTS,
            "warning": WARNING,
            "made": made,
            "made_for": made_for,
            "typed_name": typed[0],
            "typed_days": typed[1],
            "problem": problem,
            "lives": LIVES.items(),
            "managed": managed,
            "who": [] if managed else entitled(here.organisation.id, Duty.APPROVE),
        }
        return show(request, here, "pages/programs.html", context, status=422 if problem else 200)


def _let_managers(here: Here) -> None:
    if not may(here.role, Duty.APPROVE):
        raise PermissionDenied
