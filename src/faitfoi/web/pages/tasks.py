"""« À faire » : the one list of what needs a person, and the exits that it offers."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import resending
from faitfoi.pipeline.acting import put_act_back, settle_act
from faitfoi.pipeline.came_back import as_csv, came_back
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.resending import CannotResend, Settlement
from faitfoi.pipeline.task_list import MOST, list_tasks
from faitfoi.records.models import Act, Batch, Delivery
from faitfoi.web.access import Here, acts, changes, organisation_act, organisation_page, show

MOST_TYPED = 200


@organisation_page
@require_safe
def tasks(request: HttpRequest, here: Here) -> HttpResponse:
    """Show what needs a person, soonest due first."""
    found = list_tasks(here.organisation)
    context: dict[str, object] = {"tasks": found, "today": today(here.organisation), "most": MOST}
    return show(request, here, "pages/tasks.html", context)


@organisation_page
@require_safe
@acts
def batch_returns(request: HttpRequest, here: Here, batch_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Hand out what came back of one batch, as a CSV file."""
    batch = get_object_or_404(Batch, pk=batch_id)
    content = as_csv(came_back(here.organisation, batch=batch))
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="retours.csv"'
    return response


@organisation_act
@require_POST
@changes
def delivery_exit(request: HttpRequest, here: Here, delivery_id: UUID) -> HttpResponse:
    """Do what a person decided about a delivery that cannot go on by itself."""
    with acting_for(here.organisation.id):
        delivery = get_object_or_404(Delivery, pk=delivery_id)
    if request.POST.get("needs_tick") and not request.POST.get("tick"):
        messages.warning(request, _("Tick the box first: it says what you have made sure of."))
    elif request.POST.get("exit") == "resend":
        _resend(request, here, delivery)
    else:
        _decide(request, here, delivery)
    return redirect("document", slug=here.organisation.slug, document_id=delivery.document_id)


@organisation_page
@require_POST
@acts
@changes
def act_exit(request: HttpRequest, here: Here, act_id: UUID) -> HttpResponse:
    """Do what a person decided about an act that cannot go on by itself."""
    act = get_object_or_404(Act.objects.select_related("delivery"), pk=act_id)
    if request.POST.get("exit") == "retry":
        done = put_act_back(act.pk, actor=here.actor)
    else:
        done = settle_act(act, sentence=_typed(request) or _("Settled by a person."), actor=here.actor)
    _tell(request, done=done)
    return redirect("document", slug=here.organisation.slug, document_id=act.delivery.document_id)


def _resend(request: HttpRequest, here: Here, delivery: Delivery) -> None:
    try:
        made = resending.resend(here.organisation, delivery.pk, actor=here.actor)
    except CannotResend as error:
        messages.warning(request, str(error))
    else:
        messages.success(
            request, _("It leaves again as sending no. %(number)s, to %(address)s.")
            % {"number": made.sequence, "address": made.address},
        )  # fmt: skip


def _decide(request: HttpRequest, here: Here, delivery: Delivery) -> None:
    wanted, note = request.POST.get("exit", ""), _typed(request)
    with acting_for(here.organisation.id):
        match wanted:
            case "arrived":
                done = resending.it_has_arrived(delivery.pk, actor=here.actor, how=note)
            case "ask":
                done = resending.ask_again(delivery.pk, actor=here.actor)
            case Settlement.REPLACED | Settlement.HANDED_OVER | Settlement.NOTED:
                done = resending.settle(delivery.pk, Settlement(wanted), note=note, actor=here.actor)
            case _:
                done = False
    _tell(request, done=done)


def _tell(request: HttpRequest, *, done: bool) -> None:
    if done:
        messages.success(request, _("It is written down."))
    else:
        messages.warning(
            request, _("It no longer waits for that: somebody else has acted meanwhile. See below where it stands.")
        )


def _typed(request: HttpRequest) -> str:
    return " ".join(request.POST.get("note", "").split())[:MOST_TYPED]
