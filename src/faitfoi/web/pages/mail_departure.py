"""How mails leave, and whether what comes back reaches us: pace, grouping, and the message that we send ourselves."""

from collections.abc import Mapping

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from faitfoi.accounts.duties import Duty, may
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.mail_wizard import DEPARTURE, present_set_up, save_departure
from faitfoi.pipeline.mailboxes import last_return_check, try_return_path
from faitfoi.pipeline.setting_up import CannotSetUp
from faitfoi.web.access import Here, changes, organisation_act, show


@organisation_act
@require_http_methods(["GET", "HEAD", "POST"])
@changes
def mail_departure(request: HttpRequest, here: Here) -> HttpResponse:
    """Show how mails leave and what becomes of those that return; a manager sets pace and grouping."""
    if request.method != "POST":
        return _page(request, here)
    if not may(here.role, Duty.APPROVE):
        raise PermissionDenied
    given = {name: request.POST.get(name, "") for name in DEPARTURE}
    try:
        save_departure(here.organisation, given, actor=here.actor)
    except CannotSetUp as error:
        messages.warning(request, str(error))
        return _page(request, here, typed=given, status=422)
    messages.success(request, _("Kept: the mails that have not left yet follow it."))
    return redirect("mail_departure", slug=here.organisation.slug)


@organisation_act
@require_POST
@changes
def try_return(request: HttpRequest, here: Here) -> HttpResponse:
    """Send a message to one of our own return addresses now, as each day."""
    if sentence := try_return_path(here.organisation.id, actor=here.actor):
        messages.info(request, sentence)
    else:
        messages.warning(request, _("There is no return domain: no refusal can come back."))
    return redirect("mail_departure", slug=here.organisation.slug)


def _page(
    request: HttpRequest, here: Here, *, typed: Mapping[str, str] | None = None, status: int = 200
) -> HttpResponse:
    with acting_for(here.organisation.id):
        present = present_set_up()
        context: dict[str, object] = {
            "present": present,
            "typed": typed or present.values,
            "last": last_return_check(),
            "managed": may(here.role, Duty.APPROVE),
        }
        return show(request, here, "pages/mail_departure.html", context, status=status)
