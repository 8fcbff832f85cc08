"""The Chorus Pro simulator's answers about structures and their services."""

from collections.abc import Mapping

from faitfoi.simulators.chorus_answers import Refusal, page_of, paging
from faitfoi.simulators.chorus_directory import Structure
from faitfoi.simulators.loopback import Body

Structures = Mapping[str, Structure]
LARGEST = 10_000


def find_structures(structures: Structures, suppliers: Mapping[str, int], body: Mapping[str, object]) -> Body:
    """Answer structures/v1/rechercher; suppliers are private structures, found by their SIRET only."""
    wanted = paging(body, "structure")
    identifier, name = wanted.get("identifiantStructure"), str(wanted.get("libelleStructure") or "").casefold()
    found: list[Body] = [
        {
            "idStructureCPP": one.id,
            "identifiantStructure": one.siret,
            "typeIdentifiantStructure": "SIRET",
            "designationStructure": one.designation,
            "statut": "ACTIF" if one.active else "INACTIF",
        }
        for one in structures.values()
        if (not identifier or one.siret == identifier) and name in one.designation.casefold()
    ]
    found += [
        {
            "idStructureCPP": number,
            "identifiantStructure": siret,
            "typeIdentifiantStructure": "SIRET",
            "designationStructure": f"Fournisseur {siret}",
            "statut": "ACTIF",
        }
        for siret, number in suppliers.items()
        if siret == identifier and siret not in structures
    ]
    asked = paging(body, "parametres")
    page, told = page_of(found, asked.get("pageResultatDemandee"), asked.get("nbResultatsParPage"), largest=LARGEST)
    return {"listeStructures": page, "parametresRetour": told}


def show_structure(
    structures: Structures, suppliers: Mapping[str, int], body: Mapping[str, object], *, password_expires: str = ""
) -> Body:
    """Answer structures/v1/consulter: what the structure asks of an invoice. Raises Refusal.

    One's own structure, a supplier, also tells when the technical account's password expires.
    """
    identifier = body.get("idStructureCPP") or body.get("idStructure")
    for siret, number in suppliers.items():
        if number == identifier:
            told: Body = {"idStructureCPP": number, "identifiantStructure": siret, "structurePriveePublique": "PRIVEE"}
            if password_expires:
                told["dateExpirationMotPasseCompteTech"] = password_expires
            return {"informationGenerales": told, "parametres": {}}
    one = _structure_of(structures, identifier)
    return {
        "informationGenerales": {
            "idStructureCPP": one.id,
            "identifiantStructure": one.siret,
            "typeIdentifiantStructure": "SIRET",
            "libelleStructure": one.designation,
            "structurePriveePublique": "PUBLIQUE",
        },
        "parametres": {
            "codeServiceDoitEtreRenseigne": one.code_service,
            "numeroEJDoitEtreRenseigne": one.engagement,
            "gestionNumeroEJOuCodeService": one.code_service_or_engagement,
            "estMoaUniquement": one.works_only,
            "statutMiseEnPaiementNestPasRemonte": one.payment_not_reported,
        },
    }


def list_services(structures: Structures, suppliers: Mapping[str, int], body: Mapping[str, object]) -> Body:
    """Answer structures/v1/rechercher/services; a supplier has none here. Raises Refusal."""
    if body["idStructure"] in suppliers.values():
        return {"listeServices": [], "parametresRetour": page_of([], 1, 1, largest=LARGEST)[1]}
    one = _structure_of(structures, body["idStructure"])
    found: list[Body] = [
        {
            "idService": service.id,
            "codeService": service.code,
            "libelleService": service.name,
            "estActif": service.active,
            "dateDbtService": service.begins,
            **({"dateFinService": service.ends} if service.ends else {}),
        }
        for service in one.services
    ]
    asked = paging(body, "parametresRechercherServicesStructure")
    page, told = page_of(found, asked.get("pageResultatDemandee"), asked.get("nbResultatsParPage"), largest=LARGEST)
    return {"listeServices": page, "parametresRetour": told}


def show_service(structures: Structures, body: Mapping[str, object]) -> Body:
    """Answer structures/v1/consulter/service. Raises Refusal."""
    one = _structure_of(structures, body["idStructure"])
    for service in one.services:
        if service.id == body["idService"]:
            return {
                "informationsGenerales": {"codeService": service.code, "nomService": service.name},
                "parametres": {"numeroEngagement": service.engagement, "dateCreation": "2016-10-25 17:42"},
            }
    raise Refusal(20004, "Le service est inconnu.")


def _structure_of(structures: Structures, identifier: object) -> Structure:
    for one in structures.values():
        if one.id == identifier:
            return one
    raise Refusal(20003, "La structure est inconnue.")
