"""Separation of duties: what each role may do, and that whoever approves is another person than whoever asks."""

from enum import StrEnum
from uuid import UUID

from faitfoi.accounts.models import Membership, Role, User


class Duty(StrEnum):
    """What a role may be entitled to."""

    READ = "read"
    SEND = "send"
    ASK = "ask"
    """Ask for a grave act (restore, elimination, lifting a hold)."""
    APPROVE = "approve"
    """Approve one that somebody else has asked for."""
    INVITE = "invite"
    """Give an auditor access, or take it back, and describe the audit trail."""


DUTIES: dict[Role, frozenset[Duty]] = {
    Role.CLERK: frozenset({Duty.READ, Duty.SEND, Duty.ASK}),
    Role.MANAGER: frozenset({Duty.READ, Duty.SEND, Duty.ASK, Duty.APPROVE, Duty.INVITE}),
    Role.AUDITOR: frozenset({Duty.READ}),
}
"""The operator of the machine has none of them: the journal names what the operator does `operator`."""

USER = "user:"


class NotApart(PermissionError):
    """This person may not approve what that one asked for; the message is a French sentence."""


def may(role: Role, duty: Duty) -> bool:
    """Whether a role is entitled to a duty."""
    return duty in DUTIES[role]


def entitled(organisation_id: UUID, duty: Duty) -> list[str]:
    """Name the active members entitled to a duty, for whoever is not. Runs inside `acting_for`."""
    roles = [role for role in DUTIES if may(role, duty)]
    members = Membership.objects.filter(organisation_id=organisation_id, role__in=roles, user__is_active=True)
    return sorted(str(each.user) for each in members.select_related("user"))


def check_second_person(organisation_id: UUID, *, asked_by: str, approved_by: str) -> User:
    """Return who approves: an active member entitled to, and another person than whoever asked. Raises NotApart.

    Both are actors as the journal names them (`user:…`, `operator`). Runs inside `acting_for`. Two accounts that share
    a mailbox (`anne+2@…`) are one person; that two mailboxes are of one person, no program can tell.
    """
    approver = member(organisation_id, approved_by, duty=Duty.APPROVE)
    asker = _user(asked_by)
    if asker is not None and (asker.pk == approver.pk or _mailbox(asker) == _mailbox(approver)):
        raise NotApart(
            "La même personne ne peut pas demander et approuver : faites approuver la demande par un autre responsable."
        )
    return approver


def member(organisation_id: UUID, actor: str, *, duty: Duty) -> User:
    """Return the active member that `actor` names, entitled to a duty. Runs inside `acting_for`. Raises NotApart."""
    user = _user(actor)
    membership = Membership.objects.filter(organisation_id=organisation_id, user=user).first() if user else None
    if user is None or not user.is_active or membership is None:
        raise NotApart(f"« {actor} » n’est pas un compte de cette organisation : connectez-vous avec le vôtre.")
    role = Role(membership.role)
    if not may(role, duty):
        raise NotApart(
            f"Le rôle « {role.label} » ne le permet pas : demandez à un compte « {Role.MANAGER.label} » de "
            "l’organisation."
        )
    return user


def _user(actor: str) -> User | None:
    if not actor.startswith(USER):
        return None
    try:
        return User.objects.filter(pk=UUID(actor.removeprefix(USER))).first()
    except ValueError:
        return None


def _mailbox(user: User) -> str:
    local, _, domain = user.email.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
