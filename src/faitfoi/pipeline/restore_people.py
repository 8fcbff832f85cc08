"""Who asks for a restore and who approves it: accounts with their passwords, apart by the one rule of `duties`."""

import contextlib
from uuid import UUID

from faitfoi.accounts.duties import Duty, NotApart, check_second_person, member
from faitfoi.accounts.models import Membership, User
from faitfoi.accounts.tenancy import acting_for, signed_in
from faitfoi.pipeline.restore_files import CannotRestore, Request


def known(email: str, password: str) -> User:
    """The active account of that address and password. Raises CannotRestore, the same sentence for both."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is None or not user.check_password(password):
        raise CannotRestore("Ce compte n’existe pas ici, ou ce n’est pas son mot de passe.")
    return user


def check_apart(request: Request, approver: str) -> None:
    """Hold an approval to the one rule of separation (`duties`), in any organisation of the approver's.

    Raises CannotRestore with what that rule says.
    """
    said = "Ce compte ne peut pas approuver : il faut être responsable d’une organisation d’ici."
    for organisation_id in _memberships(approver):
        with acting_for(organisation_id):
            try:
                check_second_person(organisation_id, asked_by=f"user:{request.facts['by']}", approved_by=approver)
            except NotApart as error:
                said = str(error)
                continue
        return
    raise CannotRestore(said)


def may_ask(user: User) -> bool:
    """Whether some organisation gives this account the right to ask for grave acts."""
    for organisation_id in _memberships(f"user:{user.id}"):
        with acting_for(organisation_id), contextlib.suppress(NotApart):
            member(organisation_id, f"user:{user.id}", duty=Duty.ASK)
            return True
    return False


def _memberships(actor: str) -> list[UUID]:
    user_id = UUID(actor.removeprefix("user:"))
    with signed_in(user_id):
        return list(Membership.objects.filter(user_id=user_id).order_by("id").values_list("organisation_id", flat=True))
