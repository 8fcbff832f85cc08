"""What an attestation's page says, and the same for programs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from faitfoi.accounts.models import Organisation
from faitfoi.einvoice.notice import Attached, Notice, Section
from faitfoi.evidence.attestation import DATA
from faitfoi.pipeline.attestation_facts import Standing, Statement
from faitfoi.records.models_archive import AttestationKind

_TITLES = {
    AttestationKind.DEPOSIT: "Attestation de dépôt",
    AttestationKind.INTEGRITY: "Attestation d’intégrité",
    AttestationKind.COMMUNICATION: "Attestation de communication",
    AttestationKind.RESTITUTION: "Attestation de restitution",
    AttestationKind.ELIMINATION: "Attestation d’élimination",
}
_DIGESTS = frozenset({"SHA-256", "SHA-512"})
_PINNED = (
    "Notez ces empreintes : elles permettent de vérifier, hors ligne et sans nous, cette attestation et tous les "
    "dossiers de preuve. Une clé dont l’empreinte n’est pas ici n’est pas la nôtre."
)
_CHECK = (
    "Pour vérifier : « faitfoi verify » sur ce fichier, ou tout lecteur de signatures PDF pour le cachet. Les données "
    "de cette page, avec les preuves, sont jointes au PDF (attestation.json). Le cachet est celui de l’organisation ; "
    "sa valeur juridique est celle que dit son certificat."
)


def notice_of(
    organisation: Organisation, statement: Statement, standing: Standing, *, reference: str, at: datetime
) -> Notice:
    """The page of an attestation called `reference`, made at that instant."""
    title = _TITLES[statement.kind]
    files = [
        Section(title=each["name"], facts=_facts_of_file(each), codes=_DIGESTS)
        for each in statement.objects[:MOST_SHOWN]
    ]
    return Notice(
        title=title,
        subtitle=f"{reference} — faite le {_moment(organisation, at)}",
        author=organisation.name,
        footer=f"{organisation.name} · SIREN {organisation.siren} · {reference}",
        sections=[
            Section(paragraphs=[statement.sentence, *_more(statement)], facts=statement.rows),
            *files,
            *(Section(title=name, facts=rows, codes=_codes(rows)) for name, rows in statement.tables.items()),
            Section(title="Le journal", facts=list(_journal(organisation, standing)), codes=frozenset({"Racine"})),
            Section(
                title="Empreintes à connaître (SHA-256)",
                paragraphs=[_PINNED],
                facts=[(name.capitalize(), digest) for name, digest in standing.fingerprints.items()],
                codes=frozenset(name.capitalize() for name in standing.fingerprints),
            ),
            Section(paragraphs=[_CHECK]),
        ],
        attached=[
            Attached(
                name=DATA,
                value=_data(organisation, statement, standing, reference=reference, at=at),
                description=f"{title} : les mêmes données, avec leurs preuves",
            )
        ],
    )


MOST_SHOWN = 200
"""The most files that a page shows one by one; the data attached hold all of them."""


def _more(statement: Statement) -> Iterator[str]:
    if len(statement.objects) > MOST_SHOWN:
        yield (
            f"Les {MOST_SHOWN} premiers de {len(statement.objects)} fichiers sont montrés ; les données jointes au PDF "
            "les nomment tous."
        )


def _facts_of_file(item: Mapping[str, str]) -> list[tuple[str, str]]:
    size = [("Taille", f"{item['size']} octets")] if item["size"] else []
    return [*size, ("SHA-256", item["sha256"]), ("SHA-512", item["sha512"])]


def _codes(rows: Sequence[tuple[str, str]]) -> frozenset[str]:
    return frozenset(label for label, value in rows if len(value) in {64, 128} and " " not in value)


def _journal(organisation: Organisation, standing: Standing) -> Iterator[tuple[str, str]]:
    if standing.entries:
        places = ", ".join(str(place.index) for place in standing.entries[:50])
        yield "Écritures", f"n° {places}" if len(standing.entries) > 1 else f"n° {places} (à partir de 0)"
    yield "Point de contrôle", f"{standing.size} écritures"
    yield "Racine", standing.root
    if standing.seen_at is not None:
        yield "Vu par le témoin", f"le {_moment(organisation, standing.seen_at)}"


def _data(
    organisation: Organisation, statement: Statement, standing: Standing, *, reference: str, at: datetime
) -> dict[str, object]:
    return {
        "v": 1,
        "reference": reference,
        "kind": statement.kind.value,
        "at": at.isoformat(),
        "organisation": {"id": str(organisation.id), "name": organisation.name, "siren": organisation.siren},
        "sentence": statement.sentence,
        "facts": [list(each) for each in statement.rows],
        "tables": {name: [list(each) for each in rows] for name, rows in statement.tables.items()},
        "objects": [dict(each) for each in statement.objects],
        "entries": [{"index": place.index, "body": place.body, "proof": place.proof} for place in standing.entries],
        "checkpoint": standing.note,
        "log": standing.log,
        "witnesses": list(standing.witnesses),
        "certificate": standing.certificate,
        "fingerprints": dict(standing.fingerprints),
    }


def _moment(organisation: Organisation, at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(organisation.zone)):%d/%m/%Y à %H:%M:%S} ({organisation.zone})"
