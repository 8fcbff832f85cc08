"""What happens to accounts, told in the journal of each organisation that the person belongs to: ids only."""

import secrets
from typing import Literal
from uuid import UUID

from django.contrib.auth.hashers import is_password_usable

from faitfoi.accounts.models import Membership, User
from faitfoi.accounts.tenancy import acting_for, signed_in
from faitfoi.records.journal import write_entry

AccountEvent = Literal["signed_in", "sign_in_failed", "signed_out", "password_changed"]


def without_password() -> list[str]:
    """The addresses of the active accounts that no password opens, as a restore or a rebuild leaves them."""
    told = User.objects.filter(is_active=True).order_by("email").values_list("email", "password")
    return [email for email, password in told if not password or not is_password_usable(password)]


def give_password(email: str, *, actor: str) -> str | None:
    """Make a new password for an account and return it, once; None when there is no such account. Journalled."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is None:
        return None
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save(update_fields=["password"])
    tell_account_event(user, "password_changed", actor=actor)
    return password


def tell_account_event(user: User, event: AccountEvent, *, actor: str = "") -> None:
    """Write one entry in the journal of each of the person's organisations; `actor` is the person by default.

    Accounts belong to the installation, whose journal is its organisations': whoever may open nothing here leaves no
    entry, and no organisation learns from it that the person belongs to another.
    """
    with signed_in(user.pk):
        whose: list[UUID] = list(Membership.objects.filter(user=user).values_list("organisation_id", flat=True))
    for organisation_id in whose:
        with acting_for(organisation_id):
            write_entry(event, actor=actor or str(user.pk), user=str(user.pk))
