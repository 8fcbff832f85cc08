"""Before an organisation is chosen: the chooser, and the pages of errors."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from faitfoi.web.access import memberships_of, user_of


@login_required
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """Go to the only organisation of the person, or let them choose among theirs."""
    memberships = memberships_of(user_of(request))
    if len(memberships) == 1:
        return redirect("home", slug=memberships[0].organisation.slug)
    return render(request, "pages/choose.html", {"memberships": memberships})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """Say that the request could not be read (often: too big)."""
    return render(request, "pages/error_400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """Say that the person's role does not allow it."""
    return render(request, "pages/error_403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """Say that there is nothing here for this person."""
    return render(request, "pages/error_404.html", status=404)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """Say that the form was too old to be trusted (CSRF)."""
    return render(request, "pages/error_csrf.html", status=403)


def broken(request: HttpRequest) -> HttpResponse:
    """Say that we failed, without touching the database."""
    return render(request, "pages/error_500.html", status=500)
