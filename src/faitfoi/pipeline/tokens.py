"""Tokens by which programs use the API: one for each program and organisation, named, told once, revocable."""

import re
from datetime import datetime, timedelta

from django.db import IntegrityError
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.actors import names_of, read_facts
from faitfoi.pipeline.doors import close_door, find_door, list_doors, new_door, note_call
from faitfoi.records.journal import write_entry
from faitfoi.records.models import JournalEntry, WebhookDoor

PROGRAM = "program"
"""What the column `provider` of a door says of a program, which is none."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]")
BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9_-]{1,200})")
CALLS = {
    "kept": "pris en compte",
    "refused": "refusé, la réponse a dit pourquoi",
    "revoked": "refusé, le jeton est révoqué",
    "expired": "refusé, le jeton a expiré",
}
"""What became of the last call by a token, in French."""


RIGHTS = "Enregistrer des paiements et les relire, dans cette organisation seulement. Rien d’autre."
"""What a token lets a program do, in French: all have the same rights."""
WARNING = (
    "Gardez ce jeton comme un mot de passe : qui l’a enregistre des paiements, et ce qu’ils déclarent (statut 212) "
    "part sans autre confirmation."
)
LONGEST_LIFE = 3660
"""Days."""


class CannotMake(ValueError):
    """No token can be made by this name; the text is a French sentence."""


def make_token(organisation: Organisation, name: str, *, days: int | None = None, actor: str) -> str:
    """Make a program's token, which ends after so many days, or never; only its hash is kept. Raises CannotMake.

    The name goes into the journal, which never forgets: it is a program's, in a form that suits no person's.
    """
    if not NAME.fullmatch(name):
        raise CannotMake(
            f"« {name[:40]} » ne convient pas comme nom d’un jeton : écrivez 3 à 40 minuscules sans accent, chiffres "
            "ou tirets, par exemple « banque-en-ligne ». Nommez le programme, jamais une personne : le journal "
            "n’oublie rien."
        )
    if days is not None and not 1 <= days <= LONGEST_LIFE:
        raise CannotMake(f"Un jeton ne vaut pas {days} jours : donnez-lui de 1 à {LONGEST_LIFE} jours.")
    expires = None if days is None else timezone.now() + timedelta(days=days)
    try:
        with acting_for(organisation.id):
            door, secret = new_door(organisation, PROGRAM, name=name, expires_at=expires)
            write_entry("token_made", actor=actor, rows=[door], program=name, door=str(door.id))
    except IntegrityError as error:
        if "token_name_once" not in str(error):
            raise
        raise CannotMake(f"Un jeton « {name} » sert déjà : révoquez-le d’abord, ou prenez un autre nom.") from error
    return secret


def tokens_of(organisation: Organisation) -> list[WebhookDoor]:
    """Return the tokens that an organisation has made, those that serve first, then the newest."""
    return list_doors(organisation, {PROGRAM})


def makers_of(organisation: Organisation) -> dict[str, str]:
    """Return who made each token, as a page names people, by the token's identifier."""
    with acting_for(organisation.id):
        told = [read_facts(entry.body) for entry in JournalEntry.objects.filter(kind="token_made")]
        names = names_of(str(each.get("actor", "")) for each in told)
    return {str(each.get("door", "")): names[str(each.get("actor", ""))] for each in told}


def has_expired(token: WebhookDoor, *, at: datetime) -> bool:
    """Whether its last day has passed."""
    return token.expires_at is not None and token.expires_at <= at


def revoke_token(organisation: Organisation, name: str, *, actor: str) -> bool:
    """Have a token open nothing any more, for ever; False when none of this name serves."""
    named = [token for token in tokens_of(organisation) if token.name == name and token.revoked_at is None]
    with acting_for(organisation.id):
        door = close_door(organisation, named[0].id, {PROGRAM}) if named else None
        if door is None:
            return False
        write_entry("token_revoked", actor=actor, rows=[door], program=name, door=str(door.id))
    return True


def token_of(authorization: str) -> WebhookDoor | None:
    """Return the token that a header `Authorization: Bearer …` holds.

    None for one that is unknown, revoked or expired: they are told alike.
    """
    given = BEARER.fullmatch(authorization.strip())
    token = find_door(given[1], {PROGRAM}) if given else None
    if token is None:
        return None
    if token.revoked_at is not None or has_expired(token, at=timezone.now()):
        note_call(token, "revoked" if token.revoked_at is not None else "expired")
        return None
    return token


def actor_of(token: WebhookDoor) -> str:
    """How the journal names the program."""
    return f"program:{token.name}"
