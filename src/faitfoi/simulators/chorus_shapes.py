"""What the Chorus Pro simulator asks of a request: fields, types and enumerations of the operations it knows.

From the official description of the Factures API and the field lists of the others (French contracts §1.2): a field
that no operation has, a wrong type or a value out of its enumeration is a malformed request (HTTP 400). Criteria of a
search that the simulator does not apply are left out here, so that they are refused instead of silently ignored.
"""

from collections.abc import Mapping

from faitfoi.simulators.chorus_fields import BOOLEAN, DATE, INTEGER, LANGUAGE, NUMBER, TEXT, Field
from faitfoi.simulators.chorus_shapes_acts import ACTS

SYNTAXES = (
    "IN_DP_E1_UBL_INVOICE",
    "IN_DP_E1_CII",
    "IN_DP_E1_PES_FACTURE",
    "IN_DP_E1_XCBL",
    "IN_DP_E2_UBL_INVOICE_MIN",
    "IN_DP_E2_CII_MIN",
    "IN_DP_E2_PES_FACTURE_MIN",
    "IN_DP_E2_CPP_FACTURE_MIN",
    "IN_DP_PDFARCHIVE_UBL_INVOICE_MUG",
    "IN_DP_PDFARCHIVE_CII_MUG",
    "IN_DP_E1_CII_16B",
    "IN_DP_E2_CII_MIN_16B",
    "IN_DP_E2_CII_FACTURX",
)
REPORT_SYNTAXES = (
    "IN_DP_E1_UBL_INVOICE",
    "IN_DP_E1_CII_16B",
    "IN_DP_E2_UBL_INVOICE_MIN",
    "IN_DP_E2_CPP_FACTURE_MIN",
    "IN_DP_E2_CII_MIN_16B",
    "IN_DP_E2_CII_FACTURX",
    "IN_DP_E3_UBL_INVOICE",
)
DIRECTIONS = ("Ascendant", "Descendant")
INVOICE_COLUMNS = (
    "CodeFournisseur",
    "DesignationFournisseur",
    "CodeDestinataire",
    "DesignationDestinataire",
    "CodeServiceExecutant",
    "TypeFacture",
    "NumeroFacture",
    "DateFacture",
    "DateDepot",
    "MontantHT",
    "MontantTTC",
    "MontantAPayer",
    "Devise",
    "Statut",
    "NumeroMarche",
    "NumeroBonCommande",
    "NumeroFluxDepot",
    "NumeroFactureOrigine",
    "ModeDepot",
)
PUBLIC_ONLY_SERVICE = "FACTURES_PUBLIQUES"


def _paging(*, size: str, page: str, direction: str = "triSens", column: str = "triColonne") -> Field:
    return Field(
        kind="object",
        fields={
            size: INTEGER,
            page: INTEGER,
            direction: Field(kind="text", values=DIRECTIONS),
            column: TEXT,
        },
    )


REQUESTS: Mapping[str, Mapping[str, Field]] = {
    "factures/v1/deposer/flux": {
        "idUtilisateurCourant": INTEGER,
        "fichierFlux": Field(kind="text", required=True),
        "nomFichier": Field(kind="text", required=True, longest=50),
        "syntaxeFlux": Field(kind="text", required=True, values=SYNTAXES),
        "avecSignature": BOOLEAN,
    },
    "transverses/v1/consulterCRDetaille": {
        "numeroFluxDepot": Field(kind="text", required=True),
        "syntaxeFlux": Field(kind="text", values=REPORT_SYNTAXES),
    },
    "factures/v1/rechercher/fournisseur": {
        "idUtilisateurCourant": INTEGER,
        "numeroFacture": TEXT,
        "periodeDateDepotDu": DATE,
        "periodeDateDepotAu": DATE,
        "typeFacture": Field(kind="text", values=("FACTURE", "AVOIR", "ACOMPTE")),
        "statutCourant": Field(kind="list of text"),
        "periodeDateFactureDu": DATE,
        "periodeDateFactureAu": DATE,
        "montantTTCMin": NUMBER,
        "montantTTCMax": NUMBER,
        "numeroMarche": TEXT,
        "numeroBonCommande": TEXT,
        "numeroFluxDepot": TEXT,
        "rechercheFactureParFournisseur": Field(
            kind="object",
            fields={
                "nbResultatsMaximum": INTEGER,
                "pageResultatDemandee": INTEGER,
                "nbResultatsParPage": INTEGER,
                "triSens": Field(kind="text", values=DIRECTIONS),
                "triColonne": Field(kind="text", values=INVOICE_COLUMNS),
            },
        ),
    },
    "factures/v1/consulter/historique": {
        "idUtilisateurCourant": INTEGER,
        "idFacture": Field(kind="integer", required=True),
        "idEspace": INTEGER,
        "nbResultatsMaximum": INTEGER,
        "paramRechercheHistoStatuts": _paging(
            size="nbResultatsParPageListeHistoStatut",
            page="pageResultatDemandeeListeHistoStatut",
            direction="triSensListeHistoStatut",
            column="triColonneListeHistoStatut",
        ),
        "paramRechercheHistoEvenementsComplementaires": _paging(
            size="nbResultatsParPageListeHistoEvenement",
            page="pageResultatDemandeeListeHistoEvenement",
            direction="triSensListeHistoEvenement",
            column="triColonneListeHistoEvenement",
        ),
        "paramRechercheHistoActionsUtilisateurs": _paging(
            size="nbResultatsParPageListeHistoAction",
            page="pageResultatDemandeeListeHistoAction",
            direction="triSensListeHistoAction",
            column="triColonneListeHistoAction",
        ),
    },
    "structures/v1/rechercher": {
        "restreindreStructuresPrivees": BOOLEAN,
        "parametres": _paging(size="nbResultatsParPage", page="pageResultatDemandee", direction="triSense"),
        "structure": Field(
            kind="object",
            required=True,
            fields={
                "identifiantStructure": TEXT,
                "libelleStructure": TEXT,
                "raisonSocialeStructure": TEXT,
                "statutStructure": TEXT,
                "typeIdentifiantStructure": Field(
                    kind="text",
                    values=("SIRET", "UE_HORS_FRANCE", "HORS_UE", "RIDET", "TAHITI", "AUTRE", "PARTICULIER"),
                ),
            },
        ),
    },
    # One description says idStructure, the code that runs in production idStructureCPP: both are taken.
    "structures/v1/consulter": {"codeLangue": LANGUAGE, "idStructureCPP": INTEGER, "idStructure": INTEGER},
    "structures/v1/rechercher/services": {
        "idUtilisateurCourant": INTEGER,
        "idStructure": Field(kind="integer", required=True),
        "parametresRechercherServicesStructure": _paging(
            size="nbResultatsParPage", page="pageResultatDemandee", direction="triSense"
        ),
    },
    "structures/v1/consulter/service": {
        "codeLangue": LANGUAGE,
        "idStructure": Field(kind="integer", required=True),
        "idService": Field(kind="integer", required=True),
    },
    **ACTS,
}
