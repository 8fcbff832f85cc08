"""How people get an account (by invitation of the operator, never by themselves), and what the journal keeps of it."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest

from faitfoi.accounts.models import User
from faitfoi.pipeline.account_events import AccountEvent, tell_account_event


class ClosedSignupAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Closes the public sign-up page, and journals who came in, failed to, left, or changed their password."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  # allauth's signature
        """Answer no, always."""
        return False

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Open the session and journal it, or neither."""
        with transaction.atomic():
            super().login(request, user)
            _tell(user, "signed_in")

    def logout(self, request: HttpRequest) -> None:
        """Journal it and close the session."""
        _tell(request.user, "signed_out")
        super().logout(request)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Journal a wrong password given for a known account; allauth bounds how many are tried."""
        address = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
        user = User.objects.filter(email=address).first()
        if user is not None:
            _tell(user, "sign_in_failed", actor="entrance")
        super().authentication_failed(request, **credentials)

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """Change the password and journal that it was, or neither."""
        with transaction.atomic():
            super().set_password(user, password)
            _tell(user, "password_changed")


def _tell(user: object, event: AccountEvent, *, actor: str = "") -> None:
    if isinstance(user, User):
        tell_account_event(user, event, actor=actor)
