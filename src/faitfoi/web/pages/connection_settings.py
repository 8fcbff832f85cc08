"""The settings of a channel, given on a page: tried before anything is kept; no secret is ever shown again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from faitfoi.accounts.duties import Duty, entitled, may
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.connections import Trial, note_trial, try_settings
from faitfoi.pipeline.setting_up import CannotSetUp, set_channel
from faitfoi.pipeline.wizard_list import WIZARDS
from faitfoi.pipeline.wizards import Field, Present, Wizard, present, read_given
from faitfoi.web.access import Here, changes, organisation_act, show

TRY, REHEARSE, ANYWAY = "try", "rehearse", "anyway"
"""What the buttons ask for, beside trying and then keeping: only try, send a message too, keep what does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page says after a form was sent: the fields as typed, what is wrong with which, what a trial told."""

    typed: Mapping[str, str] | None = None
    problems: Mapping[str, str] | None = None
    general: str = ""
    trial: Trial | None = None
    secrets_lost: bool = False
    status: int = 200


@organisation_act
@require_http_methods(["GET", "HEAD", "POST"])
@changes
def set_connection(request: HttpRequest, here: Here, channel: str) -> HttpResponse:
    """Show a channel's settings; a manager tries what they have typed, and keeps it once it works."""
    wizard = WIZARDS.get(channel)
    if wizard is None:
        raise Http404
    if request.method != "POST":
        return _page(request, here, wizard, Shown())
    if not may(here.role, Duty.APPROVE):
        raise PermissionDenied
    given = {each.name: request.POST[each.name] for each in wizard.fields if each.name in request.POST}
    wanted = request.POST.get("do", "")
    answer = Shown(
        typed={each.name: given[each.name] for each in wizard.fields if each.name in given and not each.secret},
        secrets_lost=any(given.get(each.name) for each in wizard.fields if each.secret),
    )
    try:
        values = read_given(wizard, here.organisation, given, forget=request.POST.getlist("forget"))
        if wanted == REHEARSE and wizard.rehearse is not None:
            trial = wizard.rehearse(here.organisation, values | wizard.patience, here.user.email)
        else:
            trial = try_settings(here.organisation, wizard.channel, values | wizard.patience)
        if wanted in {TRY, REHEARSE} or (trial.problem and wanted != ANYWAY):
            status = 422 if trial.problem else 200
            return _page(request, here, wizard, replace(answer, trial=trial, status=status))
        set_channel(here.organisation, wizard.channel, values, actor=here.actor)
    except CannotSetUp as error:
        general = "" if error.problems else str(error)
        return _page(request, here, wizard, replace(answer, problems=error.problems, general=general, status=422))
    note_trial(here.organisation, wizard.channel, trial)
    if trial.problem:
        messages.warning(request, _("The settings are kept, but the connection does not work yet."))
    else:
        messages.success(request, _("The settings are kept, and the connection works."))
    return redirect("connections", slug=here.organisation.slug)


def _page(request: HttpRequest, here: Here, wizard: Wizard, shown: Shown) -> HttpResponse:
    with acting_for(here.organisation.id):
        now = present(wizard)
        managed = may(here.role, Duty.APPROVE)
        context: dict[str, object] = {
            "wizard": wizard,
            "rehearses": wizard.rehearse is not None,  # told here: a template would call it
            "parts": [_part(part.title, part.help, part.fields, now, shown, rare=part.rare) for part in wizard.parts],
            "wrong": [each for each in wizard.fields if each.name in (shown.problems or {})],
            "shown": shown,
            "managed": managed,
            "who": [] if managed else entitled(here.organisation.id, Duty.APPROVE),
        }
        return show(request, here, "pages/connection_settings.html", context, status=shown.status)


def _part(
    title: str, help_text: str, fields: tuple[Field, ...], now: Present, shown: Shown, *, rare: bool
) -> dict[str, object]:
    """A part as the template shows it: a rare one is open where something in it is wrong."""
    told = [_field(each, now, shown) for each in fields]
    return {"title": title, "help": help_text, "fields": told, "rare": rare, "open": any(f["problem"] for f in told)}


def _field(each: Field, now: Present, shown: Shown) -> dict[str, object]:
    kept = now.values.get(each.name, each.usual)
    value = "" if each.secret else (shown.typed or {}).get(each.name, kept)
    options = dict(each.options)
    if each.options and kept not in options:
        options[kept] = each.also.get(kept, kept)  # what is kept may stay, whoever wrote it
    return {
        "is": each,
        "value": value,
        "options": options,
        "kept": each.name in now.kept,
        "problem": (shown.problems or {}).get(each.name, ""),
    }
