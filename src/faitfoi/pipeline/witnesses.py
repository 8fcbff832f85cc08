"""Who vouches for this installation's journal: its own key and name, its witnesses, and how many must answer."""

import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from faitfoi.accounts.secret_files import kept_secret
from faitfoi.evidence.note import KeyType, NoteRefused, Signer, Verifier, open_note
from faitfoi.evidence.witness_held import Held, write_whole
from faitfoi.evidence.witness_wire import Door, FarWitness, NearWitness, open_witness

LOCAL = "temoin-local"
KEY_SIZE = 32


class WitnessesMisnamed(Exception):
    """The settings do not say who the witnesses are; the message is a French sentence with the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One witness: the key that its signatures are checked with, and where to ask it."""

    verifier: Verifier
    door: Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The witnesses that are asked, and how many of them must have cosigned before anything leaves."""

    members: tuple[Member, ...]
    quorum: int


def log_signer() -> Signer:
    """The journal's own key and its origin, made once; kept apart from the seal keys and from the database.

    The origin is read each time: a process that was running when another epoch began signs under its name at once.
    """
    folder = journal_folder()
    origin = kept_secret(folder / "origin", f"faitfoi.invalid/{secrets.token_hex(8)}".encode)
    return _signer(folder, origin.decode())


@cache
def _signer(folder: Path, origin: str) -> Signer:
    key = kept_secret(folder / "key", lambda: secrets.token_bytes(KEY_SIZE))
    return Signer(name=origin, key=Ed25519PrivateKey.from_private_bytes(key), kind=KeyType.LOG)


def journal_folder() -> Path:
    """Where the journal's identity is kept, and what its witnesses signed: files, which no restored database brings."""
    return Path(settings.FAITFOI_HOME) / "keys" / "journal"


def held() -> Held:
    """The last note held of each witness."""
    return Held(journal_folder() / "seen")


def panel() -> Panel:
    """The witnesses of the settings, or the one in a folder of this machine. Raises WitnessesMisnamed."""
    return _panel(log_signer().verifier.vkey)


@cache
def _panel(log: str) -> Panel:
    if not settings.FAITFOI_WITNESS.split():
        return Panel(members=(_local(log),), quorum=1)
    members = _far()
    return Panel(members=members, quorum=_quorum(len(members)))


def witness_key() -> Verifier:
    """The public key of the first witness. Raises WitnessesMisnamed."""
    return panel().members[0].verifier


def witnesses_of(note: bytes) -> list[Verifier]:
    """Every witness that has signed a note, today's and those that were asked formerly, each once.

    Raises NoteRefused when a line says it is of such a key and does not verify, WitnessesMisnamed as `panel` does.
    """
    signed = open_note(note)
    known = dict.fromkeys((*(member.verifier for member in panel().members), *known_witnesses()))
    return [verifier for verifier in known if signed.verified_by(verifier) is not None]


def known_witnesses() -> tuple[Verifier, ...]:
    """Every witness that has ever cosigned this journal, in the order of their first signature."""
    try:
        lines = _known_file().read_text().splitlines()
    except FileNotFoundError:
        return ()
    return tuple(Verifier.parse(line) for line in lines)


def remember(verifier: Verifier) -> None:
    """Write a witness among those known: what it signed must be checkable after it was replaced."""
    known = known_witnesses()
    if verifier not in known:
        journal_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(_known_file(), "".join(f"{each.vkey}\n" for each in (*known, verifier)).encode())


def has_far_witness() -> bool:
    """Whether a witness is elsewhere: one in a folder of this machine does not see a restored machine."""
    return bool(settings.FAITFOI_WITNESS.split())


def protection() -> str:
    """Say in French, for whoever answers for this installation, what its witnesses protect against and what not."""
    try:
        asked = panel()
    except WitnessesMisnamed as error:
        return f"Rien ne part : {error}"
    names = ", ".join(f"« {member.verifier.name} »" for member in asked.members)
    if has_far_witness():
        count = len(asked.members)
        every = "Il doit avoir signé" if count == 1 else f"{asked.quorum} sur {count} doivent avoir signé"
        return (
            f"Le journal est suivi d’ailleurs par {names}. {every} avant que quoi que ce soit parte : une base ou une "
            "machine entière ramenées en arrière se voient, et une facture envoyée ne peut pas disparaître sans bruit."
        )
    return (
        "Le témoin du journal est dans un dossier de cette machine. Il voit une base de données ramenée en arrière ou "
        "réécrite. Il ne voit pas une machine entière restaurée, et ne protège pas de qui peut changer ses fichiers en "
        "même temps que la base. Pour cela, il faut un témoin ailleurs : « faitfoi witness » sur une autre machine, "
        "tenue par quelqu’un d’autre, puis FAITFOI_WITNESS et FAITFOI_WITNESS_KEY ici (docs/witness.md)."
    )


def forget_keys() -> None:
    """Read keys and settings anew at the next need."""
    for each in (_signer, _panel):
        each.cache_clear()


def _known_file() -> Path:
    return journal_folder() / "witnesses"


def _local(log: str) -> Member:
    folder = Path(settings.FAITFOI_HOME) / "witness"
    key = kept_secret(folder / "key", lambda: secrets.token_bytes(KEY_SIZE))
    witness = open_witness(folder / "memory", name=LOCAL, key=key, logs=(log,))
    return Member(verifier=witness.verifier, door=NearWitness(witness=witness))


def _far() -> tuple[Member, ...]:
    urls, vkeys = settings.FAITFOI_WITNESS.split(), settings.FAITFOI_WITNESS_KEY.split()
    if len(urls) != len(vkeys):
        raise WitnessesMisnamed(
            f"FAITFOI_WITNESS nomme {len(urls)} témoin(s) et FAITFOI_WITNESS_KEY donne {len(vkeys)} clé(s). Écrivez "
            "autant de clés que d’adresses, dans le même ordre."
        )
    try:
        verifiers = [Verifier.parse(vkey) for vkey in vkeys]
    except NoteRefused as error:
        raise WitnessesMisnamed(
            "FAITFOI_WITNESS_KEY n’est pas faite de clés de témoins : recopiez celle que « faitfoi witness » a montrée."
        ) from error
    if len({verifier.name for verifier in verifiers}) < len(verifiers) or len(set(urls)) < len(urls):
        raise WitnessesMisnamed("Le même témoin est nommé deux fois (FAITFOI_WITNESS) : il ne compte que pour un.")
    if any(verifier.kind is not KeyType.WITNESS for verifier in verifiers):
        raise WitnessesMisnamed("FAITFOI_WITNESS_KEY contient la clé d’un journal : c’est celle du témoin qu’il faut.")
    return tuple(
        Member(verifier=verifier, door=FarWitness(url=url)) for url, verifier in zip(urls, verifiers, strict=True)
    )


def _quorum(count: int) -> int:
    told = settings.FAITFOI_WITNESS_QUORUM.strip()
    if not told:
        return count
    if not told.isdecimal() or not 1 <= int(told) <= count:
        raise WitnessesMisnamed(
            f"FAITFOI_WITNESS_QUORUM vaut « {told} » : écrivez combien de témoins doivent signer, de 1 à {count}."
        )
    return int(told)
