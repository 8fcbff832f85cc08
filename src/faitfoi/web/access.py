"""Who may open a page: the sign-in check, the organisation found through the membership, the tenant's transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh

from faitfoi.accounts.models import Mandate, Membership, Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for, signed_in
from faitfoi.pipeline.auditors import NoAccess, held_to, journal_reading, mandate_in_force
from faitfoi.pipeline.connections import notices
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.task_list import count_tasks
from faitfoi.records.alarms import alarms_for
from faitfoi.records.models import Artefact, Delivery

MAY_ACT = frozenset({Role.CLERK, Role.MANAGER})
"""Roles that may send and retry; an auditor reads."""

AUDITORS_PAGES = frozenset(
    {
        "home",
        "batches",
        "batch",
        "documents",
        "document",
        "customers",
        "customer",
        "download",
        "picture",
        "attestation",
        "dossier",
        "bulk",
        "bulk_files",
        "proof",
        "controls",
        "trail",
        "trail_file",
        "chorus_task",
    }
)
"""All that an auditor may open, by name: a page that comes is closed to them until it is named here."""

P = ParamSpec("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Whose pages are shown and to whom. `organisations` counts those the user may open.

    `mandate` says what an auditor may read; nobody else has one.
    """

    user: User
    organisation: Organisation
    role: Role
    organisations: int
    mandate: Mandate | None = None

    @property
    def may_act(self) -> bool:
        """True for a role that may send; False for an auditor."""
        return self.role in MAY_ACT

    @property
    def actor(self) -> str:
        """How the journal names the person: by identifier, since the journal never forgets."""
        return f"user:{self.user.pk}"


class Afterwards(HttpResponse):
    """What a view answers when the rest must not run in its transaction: `then` gives the response once it is over."""

    def __init__(self, then: Callable[[], HttpResponseBase]) -> None:
        super().__init__()
        self.then = then


Page = Callable[Concatenate[HttpRequest, Here, P], HttpResponse]


def organisation_page(view: Page[P]) -> Callable[..., HttpResponseBase]:
    """Run `view` for a member of the organisation in the address, inside its transaction, template included.

    Anonymous: sent to sign in. Not a member, or no such organisation: 404, the same for both, so that an
    address tells nothing. The view must return a rendered response: nothing is read after the transaction.
    """

    @wraps(view)
    def page(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            # A refresh in the background must not paste the sign-in page into the middle of another one.
            return HttpResponseClientRefresh() if is_htmx(request) else redirect_to_login(request.get_full_path())
        here = _find_membership(request, slug)
        refuse_nul(request)
        with timezone.override(ZoneInfo(here.organisation.zone)):
            with acting_for(here.organisation.id):
                response = _answer(request, here, lambda allowed: view(request, allowed, *args, **kwargs))
            return response.then() if isinstance(response, Afterwards) else response

    return page


def organisation_act(view: Page[P]) -> Callable[..., HttpResponse]:
    """Run `view` for a member who may act, outside any transaction: what it does asks a witness or a key first.

    The answers to others are those of `organisation_page`, and 403 to an auditor. The view opens `acting_for` itself.
    """

    @wraps(view)
    def act(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return HttpResponseClientRefresh() if is_htmx(request) else redirect_to_login(request.get_full_path())
        here = _find_membership(request, slug)
        refuse_nul(request)
        if not here.may_act:
            with acting_for(here.organisation.id):
                return _answer(request, here, _refuse)
        with timezone.override(ZoneInfo(here.organisation.zone)):
            return view(request, here, *args, **kwargs)

    return act


def acts(view: Page[P]) -> Page[P]:
    """Let only the roles that may act call `view`: an auditor gets 403."""

    @wraps(view)
    def guarded(request: HttpRequest, here: Here, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not here.may_act:
            raise PermissionDenied
        return view(request, here, *args, **kwargs)

    return guarded


def changes(view: Page[P]) -> Page[P]:
    """Let `view` change nothing while the journal is not the one that its witnesses know: reading goes on."""

    @wraps(view)
    def guarded(request: HttpRequest, here: Here, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method == "POST" and (sentence := stopped()):
            messages.warning(request, sentence)
            return redirect("home", slug=here.organisation.slug)
        return view(request, here, *args, **kwargs)

    return guarded


def memberships_of(user: User) -> list[Membership]:
    """Return the memberships of `user` with their organisations, by name."""
    with signed_in(user.pk):
        return list(Membership.objects.select_related("organisation").filter(user=user).order_by("organisation__name"))


def show(
    request: HttpRequest, here: Here, template: str, context: dict[str, object], *, status: int = 200
) -> HttpResponse:
    """Render a page of an organisation, below what everybody should know."""
    alarms = alarms_for(here.organisation.id)
    waiting = count_tasks() if here.may_act else 0
    tests, warnings = notices(here.organisation)
    told = {"here": here, "alarms": alarms, "task_count": waiting, "test_channels": tests, "warnings": warnings}
    return render(request, template, {**told, **context}, status=status)


def is_htmx(request: HttpRequest) -> bool:
    """True for a refresh in the background, which wants a part of the page only."""
    return bool(getattr(request, "htmx", False))


def refuse_nul(request: HttpRequest) -> None:
    """Answer 400 to a NUL among what was posted: nobody types one, and no text of the database can hold it."""
    if request.method == "POST" and any("\0" in value for _, values in request.POST.lists() for value in values):
        raise BadRequest("a NUL character was posted")


def user_of(request: HttpRequest) -> User:
    """Return the signed-in user of a request that has passed the sign-in check."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _answer(request: HttpRequest, here: Here, answer: Callable[[Here], HttpResponse]) -> HttpResponse:
    if here.role is not Role.AUDITOR:
        return answer(here)
    try:
        return _read_by_auditor(request, here, answer)
    except NoAccess as refused:
        return show(request, here, "pages/error_auditor.html", {"sentence": str(refused)}, status=403)


def _refuse(here: Here) -> HttpResponse:
    raise PermissionDenied(f"{here.role} does not act")


def _read_by_auditor(request: HttpRequest, here: Here, answer: Callable[[Here], HttpResponse]) -> HttpResponse:
    """Answer an auditor within their mandate, and journal what they read in the same transaction. Raises NoAccess.

    Pages that are not for auditors get 403, whatever the method; so do acts.
    """
    mandate = mandate_in_force(here.organisation, here.user)
    name = request.resolver_match.url_name if request.resolver_match else ""
    if name not in AUDITORS_PAGES or request.method not in {"GET", "HEAD"}:
        raise PermissionDenied
    with held_to(here.organisation, mandate):
        response = answer(replace(here, mandate=mandate))
        if response.status_code == HTTPStatus.OK:
            _journal(request, here, mandate, page=name)
    return response


def _journal(request: HttpRequest, here: Here, mandate: Mandate, *, page: str) -> None:
    given = request.resolver_match.kwargs if request.resolver_match else {}
    document_id, artefact_id = given.get("document_id"), given.get("artefact_id")
    if artefact_id is not None:
        document_id = Artefact.objects.values_list("document_id", flat=True).get(pk=artefact_id)
    if (delivery_id := given.get("delivery_id")) is not None:
        document_id = Delivery.objects.values_list("document_id", flat=True).get(pk=delivery_id)
    others = [str(value) for name, value in given.items() if name not in {"slug", "document_id"}]
    journal_reading(actor=here.actor, mandate=mandate, page=page, document_id=document_id, what=" ".join(others))


def _find_membership(request: HttpRequest, slug: str) -> Here:
    user = user_of(request)
    memberships = memberships_of(user)
    for membership in memberships:
        if membership.organisation.slug == slug:
            return Here(
                user=user,
                organisation=membership.organisation,
                role=Role(membership.role),
                organisations=len(memberships),
            )
    raise Http404
