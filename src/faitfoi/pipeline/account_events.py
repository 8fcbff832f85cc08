"""What happens to accounts, told in the journal of each organisation that the person belongs to: ids only."""

from typing import Literal
from uuid import UUID

from faitfoi.accounts.models import Membership, User
from faitfoi.accounts.tenancy import acting_for, signed_in
from faitfoi.records.journal import write_entry

AccountEvent = Literal["signed_in", "sign_in_failed", "signed_out", "password_changed"]


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
