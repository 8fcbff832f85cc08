"""The connections: how each channel answers, in which environment, what expires, who changed what; and Chorus Pro's."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from faitfoi.accounts.duties import Duty, entitled, may
from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.chorus_wizard import (
    CHOICES,
    SECRETS,
    STEPS,
    WORDS,
    Place,
    place_of,
    present_values,
    save,
)
from faitfoi.pipeline.connections import check, connections
from faitfoi.pipeline.setting_up import CannotSetUp
from faitfoi.records.models import ChannelSettings
from faitfoi.web.access import Here, changes, organisation_act, organisation_page, show


@organisation_page
@require_safe
def connections_page(request: HttpRequest, here: Here) -> HttpResponse:
    """Show every channel: does it work, where does it lead, what failed last, who changed it."""
    context: dict[str, object] = {"connections": connections(here.organisation), **_managing(here)}
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


@organisation_page
@require_safe
def set_chorus(request: HttpRequest, here: Here) -> HttpResponse:
    """Say what it takes to speak to Chorus Pro, step by step; a manager fills it in."""
    return _wizard(request, here, present_values())


@organisation_act
@require_POST
@changes
def save_chorus(request: HttpRequest, here: Here) -> HttpResponse:
    """Keep Chorus Pro's settings, once they make sense together, and try them at once."""
    if not _manages(here):
        raise PermissionDenied
    given = {name: str(request.POST.get(name, "")) for name in ("place", *WORDS)}
    given |= {choice.name: str(request.POST[choice.name]) for choice in CHOICES if choice.name in request.POST}
    try:
        save(here.organisation, given, actor=here.actor)
    except CannotSetUp as error:
        messages.warning(request, str(error))
        with acting_for(here.organisation.id):
            shown = {name: value for name, value in given.items() if name not in SECRETS}
            return _wizard(request, here, shown, status=422)
    if sentence := check(here.organisation, ChannelKey.CHORUS_PRO):
        messages.warning(request, sentence)
    else:
        messages.success(request, _("The settings are kept, and the connection works."))
    return redirect("connections", slug=here.organisation.slug)


def _wizard(request: HttpRequest, here: Here, values: dict[str, str], *, status: int = 200) -> HttpResponse:
    fields = [
        {
            "name": name,
            "label": label,
            "secret": name in SECRETS,
            "value": "" if name in SECRETS else values.get(name, ""),
        }
        for name, label in WORDS.items()
    ]
    places = [place for place in Place if place is not Place.OTHER or place_of(present_values()) is Place.OTHER]
    chosen = values.get("place") or place_of(values)
    choices = [(choice, values.get(choice.name) or choice.usual) for choice in CHOICES]
    context: dict[str, object] = {
        "steps": STEPS,
        "fields": fields,
        "places": places,
        "chosen": chosen,
        "choices": choices,
    }
    context |= _managing(here)
    return show(request, here, "pages/connection_chorus.html", context, status=status)


def _managing(here: Here) -> dict[str, object]:
    """Whether the person may change settings, and who may when they may not. Runs inside `acting_for`."""
    managed = _manages(here)
    return {"managed": managed, "who": [] if managed else entitled(here.organisation.id, Duty.APPROVE)}


def _manages(here: Here) -> bool:
    return may(here.role, Duty.APPROVE)
