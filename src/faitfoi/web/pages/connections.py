"""The connections: how each channel answers, in which environment, what expires, who changed what."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from faitfoi.accounts.duties import Duty, entitled, may
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.connections import check, connections
from faitfoi.pipeline.wizard_list import WIZARDS
from faitfoi.records.models import ChannelSettings
from faitfoi.web.access import Here, changes, organisation_act, organisation_page, show


@organisation_page
@require_safe
def connections_page(request: HttpRequest, here: Here) -> HttpResponse:
    """Show every channel: does it work, where does it lead, what failed last, who changed it."""
    context: dict[str, object] = {
        "connections": connections(here.organisation),
        "guided": WIZARDS,
        **_managing(here),
    }
    return show(request, here, "pages/connections.html", context)


@organisation_act
@require_POST
@changes
def check_connection(request: HttpRequest, here: Here, channel: str) -> HttpResponse:
    """Try a channel now, without sending anything."""
    with acting_for(here.organisation.id):
        if not ChannelSettings.objects.filter(channel=channel).exists():
            raise Http404
    if sentence := check(here.organisation, channel):
        messages.warning(request, sentence)
    else:
        messages.success(request, _("The connection works."))
    return redirect("connections", slug=here.organisation.slug)


def _managing(here: Here) -> dict[str, object]:
    """Whether the person may change settings, and who may when they may not. Runs inside `acting_for`."""
    managed = may(here.role, Duty.APPROVE)
    return {"managed": managed, "who": [] if managed else entitled(here.organisation.id, Duty.APPROVE)}
