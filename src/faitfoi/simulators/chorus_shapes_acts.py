"""The shapes of what the Chorus Pro simulator is asked to do, beside those of `chorus_shapes`: the official fields."""

from collections.abc import Mapping

from faitfoi.simulators.chorus_fields import INTEGER, NUMBER, TEXT, Field

KINDS = ("AVOIR", "FACTURE")
VAT_KINDS = ("TVA_SUR_DEBIT", "TVA_SUR_ENCAISSEMENT", "EXONERATION", "SANS_TVA")
MEANS = ("CHEQUE", "PRELEVEMENT", "VIREMENT", "ESPECE", "AUTRE", "REPORT")
OBJECTS = (
    "STRUCTURE",
    "UTILISATEUR",
    "CB",
    "MANDAT",
    "FICHE_RACCORDEMENT",
    "EJ",
    "MEMOIRE",
    "DMD_RBST",
    "TRANSVERSE",
    "FACTURE_TRAVAUX",
    "FACTURE",
    "DMDE_CPTE_DEV_SI_EXT",
    "SOLLICITATION",
    "CERTIFICAT",
    "PJ_REJET_EDI",
)
REFERENCES = Field(
    kind="object",
    fields={
        "deviseFacture": TEXT,
        "typeFacture": Field(kind="text", values=KINDS),
        "typeTva": Field(kind="text", values=VAT_KINDS),
        "motifExonerationTva": TEXT,
        "numeroMarche": TEXT,
        "numeroBonCommande": TEXT,
        "numeroFactureOrigine": TEXT,
        "modePaiement": Field(kind="text", values=MEANS),
    },
)
RECIPIENT = Field(kind="object", fields={"codeDestinataire": TEXT, "codeServiceExecutant": TEXT})
PIECE: Mapping[str, Field] = {
    "pieceJointeComplementaireDesignation": TEXT,
    "pieceJointeComplementaireType": TEXT,
    "pieceJointeComplementaireNumeroLigneFacture": INTEGER,
    "pieceJointeComplementaireId": INTEGER,
}

ACTS: Mapping[str, Mapping[str, Field]] = {
    "transverses/v1/ajouter/fichier": {
        "idUtilisateurCourant": INTEGER,
        "pieceJointeFichier": Field(kind="text", required=True),
        "pieceJointeNom": Field(kind="text", required=True),
        "pieceJointeExtension": Field(kind="text", required=True),
        "pieceJointeTypeMime": Field(kind="text", required=True),
    },
    "transverses/v1/recuperer/typespj": {
        "codeLangue": Field(kind="text", values=("FR", "EN")),
        "typeObjet": Field(kind="text", values=OBJECTS),
    },
    "factures/v1/completer": {
        "idUtilisateurCourant": INTEGER,
        "identifiantFactureCPP": Field(kind="integer", required=True),
        "pieceJointeComplementaire": Field(kind="list of object", fields=PIECE),
        "commentaire": TEXT,
    },
    "factures/v1/recycler": {
        "idUtilisateurCourant": INTEGER,
        "identifiantFactureCPP": Field(kind="integer", required=True),
        "destinataire": RECIPIENT,
        "commentaire": TEXT,
        "reference": REFERENCES,
    },
    "factures/v1/traiterRejet": {
        "listeDemandePaiement": Field(kind="list of object", required=True, fields={"idDemandePaiement": INTEGER}),
    },
    "factures/v1/deposer/pdf": {
        "idUtilisateurCourant": INTEGER,
        "fichierFacture": Field(kind="text", required=True),
        "nomFichier": Field(kind="text", required=True, longest=50),
        "formatDepot": Field(
            kind="text", required=True, values=("PDF_NON_SIGNE", "PDF_SIGNE_PADES", "PDF_SIGNE_XADES")
        ),
    },
    "factures/v1/soumettre": {
        "idUtilisateurCourant": INTEGER,
        "modeDepot": Field(kind="text", required=True, values=("SAISIE_API", "DEPOT_PDF_API", "DEPOT_PDF_SIGNE_API")),
        "numeroFactureSaisi": TEXT,
        "dateFacture": Field(kind="date"),
        "destinataire": RECIPIENT,
        "fournisseur": Field(
            kind="object",
            fields={
                "idFournisseur": INTEGER,
                "idServiceFournisseur": INTEGER,
                "codeCoordonneesBancairesFournisseur": INTEGER,
            },
        ),
        "cadreDeFacturation": Field(
            kind="object",
            fields={
                "codeCadreFacturation": Field(
                    kind="text",
                    values=(
                        "A1_FACTURE_FOURNISSEUR",
                        "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE",
                        "A9_FACTURE_SOUSTRAITANT",
                        "A12_FACTURE_COTRAITANT",
                    ),
                ),
                "codeStructureValideur": TEXT,
                "codeServiceValideur": TEXT,
            },
        ),
        "references": REFERENCES,
        "lignePoste": Field(
            kind="list of object",
            fields={
                "lignePosteNumero": INTEGER,
                "lignePosteReference": TEXT,
                "lignePosteDenomination": TEXT,
                "lignePosteQuantite": NUMBER,
                "lignePosteUnite": TEXT,
                "lignePosteMontantUnitaireHT": NUMBER,
                "lignePosteMontantRemiseHT": NUMBER,
                "lignePosteTauxTva": TEXT,
                "lignePosteTauxTvaManuel": NUMBER,
            },
        ),
        "ligneTva": Field(
            kind="list of object",
            fields={
                "ligneTvaTaux": TEXT,
                "ligneTvaMontantBaseHtParTaux": NUMBER,
                "ligneTvaMontantTvaParTaux": NUMBER,
                "ligneTvaTauxManuel": NUMBER,
            },
        ),
        "montantTotal": Field(
            kind="object",
            fields={
                "montantHtTotal": NUMBER,
                "montantTVA": NUMBER,
                "montantTtcTotal": NUMBER,
                "montantRemiseGlobaleTTC": NUMBER,
                "motifRemiseGlobaleTTC": TEXT,
                "montantAPayer": NUMBER,
            },
        ),
        "pieceJointePrincipale": Field(
            kind="object",
            fields={"pieceJointePrincipaleDesignation": TEXT, "pieceJointePrincipaleId": INTEGER},
        ),
        "pieceJointeComplementaire": Field(
            kind="list of object", fields={**PIECE, "pieceJointeComplementaireIdLiaison": INTEGER}
        ),
        "commentaire": TEXT,
    },
}
