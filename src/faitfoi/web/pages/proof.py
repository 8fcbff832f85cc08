"""The page of the proof, and the page of the controls."""

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from faitfoi.accounts.financial_years import year_named
from faitfoi.pipeline.controls import standings
from faitfoi.pipeline.due import control_later
from faitfoi.pipeline.proof_view import proof_of
from faitfoi.web.access import Here, acts, organisation_page, show

SHOWN = 100


@organisation_page
@require_safe
def proof(request: HttpRequest, here: Here) -> HttpResponse:
    """Show what proves the organisation's documents, and how anyone can check it."""
    return show(request, here, "pages/proof.html", {"proof": proof_of()})


@organisation_page
@require_safe
def controls(request: HttpRequest, here: Here) -> HttpResponse:
    """Show each control of the audit trail with its last result; an auditor sees what is of their years."""
    told = [
        (each, [row for row in (each.last.findings if each.last else []) if _is_shown(here, row)])
        for each in standings()
    ]
    shown = [(standing, rows[:SHOWN], len(rows)) for standing, rows in told]
    return show(request, here, "pages/controls.html", {"controls": shown})


@organisation_page
@require_POST
@acts
def run_controls(request: HttpRequest, here: Here) -> HttpResponse:
    """Have the controls run by the worker now, without waiting for the night."""
    control_later(here.organisation.id, actor=here.actor)
    messages.success(request, _("The controls are being run: come back to this page in a moment."))
    return redirect("controls", slug=here.organisation.slug)


def _is_shown(here: Here, row: dict[str, str]) -> bool:
    if here.mandate is None:
        return True
    if not row["day"]:
        return False
    day = date.fromisoformat(row["day"])
    ends_in = here.organisation.financial_year_ends_in
    years = (year_named(year, ends_in=ends_in) for year in here.mandate.years)
    return any(year.first_day <= day <= year.last_day for year in years)
