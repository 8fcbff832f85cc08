"""What Chorus Pro says of a public structure: what it asks of an invoice, and its services. Questions only.

French contracts §1.2: `structures/rechercher`, `consulter`, `rechercher/services`, `consulter/service`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from faitfoi.channels.chorus_pro_codes import PARIS, objects, read_instant, text
from faitfoi.channels.chorus_pro_http import BusinessError, Connection
from faitfoi.channels.contract import NotSent
from faitfoi.channels.structures import ServiceTold, StructureTold

SEARCH = "structures/v1/rechercher"
RULES = "structures/v1/consulter"
SERVICES = "structures/v1/rechercher/services"
SERVICE = "structures/v1/consulter/service"

PAGE_SIZE = 500
MAX_PAGES = 200


def look_up(connection: Connection, siret: str, *, services: Iterable[str] = ()) -> StructureTold | None:
    """Ask what a structure wants; None when Chorus Pro does not have this SIRET. Raises NotSent.

    `services` are the codes whose own rules are asked for: a hospital may have hundreds of services.
    """
    try:
        return _look_up(connection, siret, frozenset(services))
    except BusinessError as error:
        said = f" : « {error.label[:300]} »" if error.label else ""
        reason = f"Chorus Pro n’a pas su décrire la structure {siret} (code {error.code}{said})."
        problem = NotSent(reason, answered=True)
    raise problem


def find_structure(connection: Connection, siret: str, *, until: float) -> int | None:
    """The idStructureCPP of a SIRET; None when Chorus Pro does not have it. Raises NotSent, BusinessError."""
    question: dict[str, object] = {"structure": {"identifiantStructure": siret, "typeIdentifiantStructure": "SIRET"}}
    found, _ = connection.ask(SEARCH, question, until=until)
    for row in objects(found.get("listeStructures")):
        if text(row.get("identifiantStructure")) == siret and (identifier := _number(row.get("idStructureCPP"))):
            return identifier
    return None


def _look_up(connection: Connection, siret: str, wanted: frozenset[str]) -> StructureTold | None:
    question: dict[str, object] = {"structure": {"identifiantStructure": siret, "typeIdentifiantStructure": "SIRET"}}
    found, _ = connection.ask(SEARCH, question)
    ours = [row for row in objects(found.get("listeStructures")) if text(row.get("identifiantStructure")) == siret]
    if not ours:
        return None
    # A structure may have been closed and opened anew under the same SIRET: the open one counts.
    row = next((each for each in ours if _is_active(each.get("statut"))), ours[0])
    identifier = _number(row.get("idStructureCPP"))
    rules, _ = connection.ask(RULES, {"idStructureCPP": identifier})
    listed = list(_services(connection, identifier))
    told: dict[str, Mapping[str, object]] = {}
    for service in listed:
        if text(service.get("codeService")) in wanted:
            asked: dict[str, object] = {"idStructure": identifier, "idService": _number(service.get("idService"))}
            told[text(service.get("codeService"))] = connection.ask(SERVICE, asked)[0]
    general, wants = _object(rules, "informationGenerales"), _object(rules, "parametres")
    expiry = read_instant(general.get("dateExpirationMotPasseCompteTech"))
    return StructureTold(
        siret=siret,
        id=identifier,
        name=text(row.get("designationStructure")) or text(general.get("libelleStructure")),
        active=_is_active(row.get("statut")),
        code_service=wants.get("codeServiceDoitEtreRenseigne") is True,
        engagement=wants.get("numeroEJDoitEtreRenseigne") is True,
        code_service_or_engagement=wants.get("gestionNumeroEJOuCodeService") is True,
        works_only=wants.get("estMoaUniquement") is True,
        payment_not_reported=wants.get("statutMiseEnPaiementNestPasRemonte") is True,
        password_expires_on=expiry.astimezone(PARIS).date() if expiry else None,
        services=tuple(_service(each, told.get(text(each.get("codeService")))) for each in listed),
        raw=json.dumps(
            {"rechercher": found, "consulter": rules, "services": listed, "consulter_service": told},
            ensure_ascii=False,
            sort_keys=True,
        ).encode(),
    )


def _services(connection: Connection, identifier: int) -> Iterator[dict[str, object]]:
    """Every service of a structure, page after page to the end, whatever page size the other side imposes."""
    seen: set[str] = set()
    for page in range(1, MAX_PAGES + 1):
        paging = {"nbResultatsParPage": PAGE_SIZE, "pageResultatDemandee": page}
        answer, _ = connection.ask(
            SERVICES, {"idStructure": identifier, "parametresRechercherServicesStructure": paging}
        )
        rows = objects(answer.get("listeServices"))
        fresh = [row for row in rows if text(row.get("idService")) not in seen]
        seen.update(text(row.get("idService")) for row in fresh)
        yield from fresh
        pages = _object(answer, "parametresRetour").get("pages")
        if not fresh or (isinstance(pages, int) and page >= pages):
            return
    raise NotSent(f"Chorus Pro annonce plus de {MAX_PAGES} pages de services pour une seule structure.")


def _service(row: Mapping[str, object], rules: Mapping[str, object] | None) -> ServiceTold:
    engagement = None if rules is None else _object(rules, "parametres").get("numeroEngagement") is True
    begins, ends = read_instant(row.get("dateDbtService")), read_instant(row.get("dateFinService"))
    return ServiceTold(
        id=_number(row.get("idService")),
        code=text(row.get("codeService")),
        name=text(row.get("libelleService")),
        active=row.get("estActif") is not False and text(row.get("statutService")).upper() != "INACTIF",
        engagement=engagement,
        begins_on=begins.astimezone(PARIS).date() if begins else None,
        ends_on=ends.astimezone(PARIS).date() if ends else None,
    )


def _is_active(status: object) -> bool:
    return not text(status).upper().startswith(("INACTI", "FERM", "DESACTIV"))


def _object(value: Mapping[str, object], name: str) -> Mapping[str, object]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
