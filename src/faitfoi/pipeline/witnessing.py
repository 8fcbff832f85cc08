"""Nothing leaves before a witness has seen it: the journal is numbered, signed, and cosigned by an outside memory.

The comparison is made before every chunk of deliveries and of documents, so a restored backup or a rewritten journal
is seen before anything new is numbered or sent.
"""

import logging
import secrets
from datetime import datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils import timezone

from faitfoi.accounts.secret_files import kept_secret
from faitfoi.evidence.checkpoint import Checkpoint as Statement
from faitfoi.evidence.merkle import EMPTY_ROOT
from faitfoi.evidence.note import KeyType, NoteRefused, Signer, Verifier, open_note, write_note
from faitfoi.evidence.tiles import TiledTree
from faitfoi.evidence.witness import SIZE_TYPE, Answer, request
from faitfoi.evidence.witness_wire import Door, FarWitness, NearWitness, WitnessSilent, open_witness
from faitfoi.records.journal import row, sequence
from faitfoi.records.models import Alarm, Checkpoint, JournalHead

LOCAL = "temoin-local"
KEY_SIZE = 32
MOST_ROUNDS = 5
CAUSE = "witness"

log = logging.getLogger(__name__)


class JournalBehind(Exception):
    """The witness remembers more than this journal, or another one; the message is a French sentence."""


@cache
def log_signer() -> Signer:
    """The journal's own key and its origin, made once; kept apart from the seal keys and from the database."""
    folder = Path(settings.FAITFOI_HOME) / "keys" / "journal"
    key = kept_secret(folder / "key", lambda: secrets.token_bytes(KEY_SIZE))
    origin = kept_secret(folder / "origin", f"faitfoi.invalid/{secrets.token_hex(8)}".encode)
    return Signer(name=origin.decode(), key=Ed25519PrivateKey.from_private_bytes(key), kind=KeyType.LOG)


@cache
def witness_key() -> Verifier:
    """The public key of the witness that this installation trusts."""
    if settings.FAITFOI_WITNESS_KEY:
        return Verifier.parse(settings.FAITFOI_WITNESS_KEY)
    key = Ed25519PrivateKey.from_private_bytes(_local_key())
    return Signer(name=LOCAL, key=key, kind=KeyType.WITNESS).verifier


def has_far_witness() -> bool:
    """Whether the witness is elsewhere: one in a folder of this machine does not see a restored machine."""
    return bool(settings.FAITFOI_WITNESS)


def may_send() -> bool:
    """Whether all that is committed has been witnessed, so that deliveries may leave; if not, an alarm says why."""
    return _settled() is None


def may_number() -> bool:
    """Whether new numbers may be burnt: yes, unless the journal is not the one that the witness remembers."""
    return not isinstance(_settled(), JournalBehind)


def _settled() -> JournalBehind | WitnessSilent | None:
    try:
        witnessed()
    except (JournalBehind, WitnessSilent) as error:
        log.warning("%s", error)
        Alarm.objects.update_or_create(cause=CAUSE, defaults={"sentence": f"L’envoi est arrêté. {error}"})
        return error
    Alarm.objects.filter(cause=CAUSE).delete()
    return None


def witnessed() -> int:
    """Have all that is committed numbered, signed and cosigned; returns the size that the witness has now seen.

    Raises JournalBehind when the journal is not the one that the witness remembers, WitnessSilent when it cannot be
    asked: what needs a witness then waits.
    """
    while sequence(wait=True):
        pass
    last = Checkpoint.objects.order_by("-size").first()
    seen = last.size if last else 0
    for _ in range(MOST_ROUNDS):
        head = _head()
        at = timezone.now()
        line = log_signer().line(head.text, at=at)
        answer = _ask(head, line, seen=seen, at=at)
        if answer.status == 200:
            return _keep(head, line, answer.body)
        if answer.status != 409 or answer.content_type != SIZE_TYPE:
            raise _refusal(answer, seen=seen)
        seen = _size_in(answer.body)
        # Read after the answer: another worker may have had a longer journal cosigned meanwhile.
        if seen > (size := _head().size):
            raise JournalBehind(
                f"Le témoin a vu {seen} écritures du journal ; la base n’en a que {size}. Elle a été ramenée en "
                "arrière (sauvegarde restaurée ?) : rien n’est numéroté ni envoyé avant la remise en état."
            )
    raise WitnessSilent("Le témoin répond à d’autres plus vite qu’à nous : les envois reprendront dans un instant.")


def _head() -> Statement:
    head = JournalHead.objects.order_by("-size").first()
    size, root = (head.size, bytes(head.root)) if head else (0, EMPTY_ROOT)
    return Statement(origin=log_signer().name, size=size, root=root)


def _ask(head: Statement, line: str, *, seen: int, at: datetime) -> Answer:
    proof = TiledTree(head.size, row).consistency(min(seen, head.size))
    body = request(old=min(seen, head.size), proof=proof, checkpoint=write_note(head.text, [line]))
    return _door().ask(body, at=at)


def _refusal(answer: Answer, *, seen: int) -> JournalBehind | WitnessSilent:
    if answer.status in {409, 422}:
        return JournalBehind(
            f"Les {seen} premières écritures du journal ne sont pas celles que le témoin a vues : le journal a été "
            "réécrit. Rien n’est numéroté ni envoyé avant la remise en état."
        )
    said = answer.body.decode(errors="replace")[:200]
    return WitnessSilent(f"Le témoin refuse de signer (HTTP {answer.status}) : {said}")


def _keep(head: Statement, line: str, body: bytes) -> int:
    note = _with(head, line, body)
    if head.size:
        Checkpoint.objects.get_or_create(size=head.size, defaults={"note": note.decode()})
    return head.size


def _with(statement: Statement, line: str, body: bytes) -> bytes:
    """The note with the witness's own line added; what others signed in the answer is left out."""
    try:
        note = open_note(write_note(statement.text, [line]) + body)
        if note.verified_by(witness_key()) is None:
            raise WitnessSilent(f"La réponse n’est pas signée de la clé du témoin ({witness_key().name}).")
    except NoteRefused as error:
        raise WitnessSilent(f"La réponse du témoin ne se vérifie pas : {error}") from error
    ours = [each for each in body.decode().splitlines(keepends=True) if each.startswith(f"— {witness_key().name} ")]
    return write_note(statement.text, [line, *ours])


def _size_in(body: bytes) -> int:
    try:
        return int(body)
    except ValueError as error:
        raise WitnessSilent("Le témoin n’a pas dit la taille qu’il a vue.") from error


@cache
def _door() -> Door:
    if settings.FAITFOI_WITNESS:
        return FarWitness(url=settings.FAITFOI_WITNESS)
    folder = Path(settings.FAITFOI_HOME) / "witness"
    vkey = log_signer().verifier.vkey
    return NearWitness(witness=open_witness(folder / "memory", name=LOCAL, key=_local_key(), logs=(vkey,)))


def _local_key() -> bytes:
    return kept_secret(Path(settings.FAITFOI_HOME) / "witness" / "key", lambda: secrets.token_bytes(KEY_SIZE))


def forget_keys() -> None:
    """Read keys and settings anew at the next need."""
    for each in (log_signer, witness_key, _door):
        each.cache_clear()
