"""Tokens by which programs use the API: one for each program and organisation, named, told once, revocable."""

import re

from django.db import IntegrityError

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.doors import close_door, find_door, list_doors, new_door, note_call
from faitfoi.records.journal import write_entry
from faitfoi.records.models import WebhookDoor

PROGRAM = "program"
"""What the column `provider` of a door says of a program, which is none."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]")
BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9_-]{1,200})")
CALLS = {
    "kept": "pris en compte",
    "refused": "refusé, la réponse a dit pourquoi",
    "revoked": "refusé, le jeton est révoqué",
}
"""What became of the last call by a token, in French."""


class CannotMake(ValueError):
    """No token can be made by this name; the text is a French sentence."""


def make_token(organisation: Organisation, name: str, *, actor: str) -> str:
    """Make a program's token; it is told once, only its hash is kept. Raises CannotMake.

    The name goes into the journal, which never forgets: it is a program's, in a form that suits no person's.
    """
    if not NAME.fullmatch(name):
        raise CannotMake(
            f"« {name[:40]} » ne convient pas comme nom d’un jeton : écrivez 3 à 40 minuscules sans accent, chiffres "
            "ou tirets, par exemple « banque-en-ligne ». Nommez le programme, jamais une personne : le journal "
            "n’oublie rien."
        )
    try:
        with acting_for(organisation.id):
            door, secret = new_door(organisation, PROGRAM, name=name)
            write_entry("token_made", actor=actor, rows=[door], program=name, door=str(door.id))
    except IntegrityError as error:
        if "token_name_once" not in str(error):
            raise
        raise CannotMake(
            f"Un jeton « {name} » sert déjà : révoquez-le d’abord (faitfoi token revoke {name}), ou prenez un autre "
            "nom."
        ) from error
    return secret


def tokens_of(organisation: Organisation) -> list[WebhookDoor]:
    """Return the tokens that an organisation has made, those that serve first, then the newest."""
    return list_doors(organisation, {PROGRAM})


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
    """Return the token that a header `Authorization: Bearer …` holds, or None: unknown and revoked are told alike."""
    given = BEARER.fullmatch(authorization.strip())
    token = find_door(given[1], {PROGRAM}) if given else None
    if token is not None and token.revoked_at is not None:
        note_call(token, "revoked")
        return None
    return token


def actor_of(token: WebhookDoor) -> str:
    """How the journal names the program."""
    return f"program:{token.name}"
