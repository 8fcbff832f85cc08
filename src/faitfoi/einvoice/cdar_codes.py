"""The lifecycle's code lists: statuses, reasons, actions and roles, with their French names (French contracts §3.3).

Codes, names and which reason goes with which status are dated copies of the catalogue (BR-FR-CDV 1.4.0); they are
facts. What a status means to a person who must act is said by the channel, not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from faitfoi.einvoice.cdar import PROCESSING, TRANSMISSION


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleStatus:
    """One status (MDT-105). `uncl1373` is MDT-88, empty where the catalogue has none."""

    label: str
    phase: str
    uncl1373: str = ""
    terminal: bool = False
    reason_required: bool = False


_T, _P = TRANSMISSION, PROCESSING

STATUSES: Mapping[str, LifecycleStatus] = {
    "200": LifecycleStatus(label="Déposée", phase=_T, uncl1373="10"),
    "201": LifecycleStatus(label="Émise par la plateforme", phase=_T, uncl1373="51"),
    "202": LifecycleStatus(label="Reçue par la plateforme", phase=_T, uncl1373="43"),
    "203": LifecycleStatus(label="Mise à disposition", phase=_T, uncl1373="48"),
    "204": LifecycleStatus(label="Prise en charge", phase=_P, uncl1373="45"),
    "205": LifecycleStatus(label="Approuvée", phase=_P, uncl1373="1"),
    "206": LifecycleStatus(label="Approuvée partiellement", phase=_P, uncl1373="49", reason_required=True),
    "207": LifecycleStatus(label="En litige", phase=_P, uncl1373="46", reason_required=True),
    "208": LifecycleStatus(label="Suspendue", phase=_P, uncl1373="39", reason_required=True),
    "209": LifecycleStatus(label="Complétée", phase=_P, uncl1373="37"),
    "210": LifecycleStatus(label="Refusée", phase=_P, uncl1373="50", terminal=True, reason_required=True),
    "211": LifecycleStatus(label="Paiement transmis", phase=_P, uncl1373="47"),
    "212": LifecycleStatus(label="Encaissée", phase=_P, uncl1373="47"),
    "213": LifecycleStatus(label="Rejetée", phase=_T, uncl1373="8", terminal=True, reason_required=True),
    "214": LifecycleStatus(label="Visée", phase=_P),
    "220": LifecycleStatus(label="Annulée", phase=_P, terminal=True),
    "221": LifecycleStatus(label="Erreur de routage", phase=_T),
    "224": LifecycleStatus(label="Demande de paiement direct", phase=_P),
    "225": LifecycleStatus(label="Affacturée", phase=_P),
    "226": LifecycleStatus(label="Affacturée confidentiel", phase=_P),
    "227": LifecycleStatus(label="Changement de compte à payer", phase=_P),
    "228": LifecycleStatus(label="Non affacturée", phase=_P),
    "501": LifecycleStatus(label="Irrecevable", phase=_T, terminal=True, reason_required=True),
}

SELLER_STATUSES = frozenset({"209", "212", "220", "224", "225", "226", "227", "228"})
"""What a seller may say; the others are the buyer's or a platform's to say."""

_DISPUTE = "206 207"
_LINE = "206 207 208"

REASONS: Mapping[str, tuple[str, frozenset[str]]] = {
    code: (label, frozenset(allowed.split()))
    for code, label, allowed in (
        ("RETRAIT_MAN_SERV", "Retrait manuel par le service (secteur public)", ""),
        ("ST_CT_NON_DECLAR", "Sous-traitant ou cotraitant non déclaré (secteur public)", ""),
        ("SUPPR_COMP_AVOIR", "Suppression pour compensation d’avoir (secteur public)", ""),
        ("TRANSF_PMNT_REGIE", "Transfert pour paiement en régie (secteur public)", ""),
        ("CONTACT_ACHTR", "Contacter l’acheteur (secteur public)", ""),
        ("NON_TRANSMISE", "Destinataire non connecté : aucune adresse de réception active", "200"),
        ("JUSTIF_ABS", "Justificatif absent ou insuffisant", "208"),
        ("ROUTAGE_ERR", "Erreur de routage", "221"),
        ("AUTRE", "Autre motif, expliqué en note", _DISPUTE),
        ("COORD_BANC_ERR", "Coordonnées bancaires erronées", "207 208"),
        ("TX_TVA_ERR", "Taux de TVA erroné", "207 210"),
        ("MONTANTTOTAL_ERR", "Montant total erroné", "207 210 213"),
        ("CALCUL_ERR", "Erreur de calcul", "207 210 213"),
        ("NON_CONFORME", "Mention légale manquante", "207 210"),
        ("DOUBLON", "Facture en doublon", "207 210 213"),
        ("DEST_INC", "Destinataire inconnu, absent de l’annuaire", "207 213"),
        ("DEST_ERR", "Erreur de destinataire (mauvais SIREN)", "207 210"),
        ("TRANSAC_INC", "Transaction inconnue", "207 210"),
        ("EMMET_INC", "Émetteur inconnu", "207 210"),
        ("CONTRAT_TERM", "Contrat terminé", "207 210"),
        ("DOUBLE_FACT", "Double facturation", "207 210"),
        ("CMD_ERR", "Numéro de commande incorrect ou manquant", f"{_LINE} 210"),
        ("ADR_ERR", "Adresse de facturation électronique erronée", "207 210 213"),
        ("SIRET_ERR", "SIRET erroné ou absent", _LINE),
        ("CODE_ROUTAGE_ERR", "Code de routage absent ou erroné", _LINE),
        ("REF_CT_ABSENT", "Référence contractuelle manquante", f"{_LINE} 210"),
        ("REF_ERR", "Référence incorrecte", _LINE),
        ("PU_ERR", "Prix unitaires incorrects", _DISPUTE),
        ("REM_ERR", "Remise erronée", _DISPUTE),
        ("QTE_ERR", "Quantité facturée incorrecte", _DISPUTE),
        ("ART_ERR", "Article facturé incorrect", _DISPUTE),
        ("MODPAI_ERR", "Modalités de paiement incorrectes", _DISPUTE),
        ("QUALITE_ERR", "Qualité de l’article livré incorrecte", _DISPUTE),
        ("LIVR_INCOMP", "Problème de livraison", _DISPUTE),
        ("REJ_SEMAN", "Erreur sémantique", "213"),
        ("REJ_UNI", "Contrôle d’unicité", "213"),
        ("REJ_COH", "Cohérence des données", "213"),
        ("REJ_ADR", "Contrôle d’adressage", "213"),
        ("REJ_CONT_B2G", "Contrôles propres au secteur public", "213"),
        ("REJ_REF_PJ", "Référence de pièce jointe", "213"),
        ("REJ_ASS_PJ", "Association de pièce jointe", "213"),
        ("IRR_VIDE_F", "Fichier vide", "501"),
        ("IRR_TYPE_F", "Type ou extension du fichier", "501"),
        ("IRR_SYNTAX", "Syntaxe : XML mal formé ou hors schéma", "501"),
        ("IRR_TAILLE_PJ", "Taille d’une pièce jointe", "501"),
        ("IRR_NOM_PJ", "Nom d’une pièce jointe", "501"),
        ("IRR_VID_PJ", "Pièce jointe vide", "501"),
        ("IRR_EXT_DOC", "Extension d’une pièce jointe", "501"),
        ("IRR_TAILLE_F", "Taille du fichier, plus de 100 Mo", "501"),
        ("IRR_ANTIVIRUS", "Contrôle antivirus", "501"),
        ("IRR_NOM_F", "Nom du fichier", "501"),
    )
}
"""Each reason (MDT-113): its French name, and the statuses it may go with."""

FROM_CHORUS = frozenset(
    [
        "RETRAIT_MAN_SERV",
        "ST_CT_NON_DECLAR",
        "SUPPR_COMP_AVOIR",
        "TRANSF_PMNT_REGIE",
        "AUTRE",
        "COORD_BANC_ERR",
        "TX_TVA_ERR",
        "MONTANTTOTAL_ERR",
        "CALCUL_ERR",
        "NON_CONFORME",
        "DOUBLON",
        "DEST_ERR",
        "TRANSAC_INC",
        "EMMET_INC",
        "CONTRAT_TERM",
        "DOUBLE_FACT",
        "CMD_ERR",
        "ADR_ERR",
        "REF_CT_ABSENT",
        "LIVR_INCOMP",
    ]
)
"""The reasons that go with 210 when Chorus Pro speaks (0238:9999)."""

ACTIONS: Mapping[str, str] = {
    "NOA": "aucune action n’est demandée",
    "PIN": "donner des informations complémentaires",
    "NIN": "émettre une facture rectificative",
    "CNF": "émettre un avoir total",
    "CNP": "émettre un avoir partiel",
    "CNA": "rembourser le paiement",
    "OTH": "autre action, expliquée en note",
}

ROLES: Mapping[str, str] = {
    "SE": "vendeur",
    "BY": "acheteur",
    "AB": "agent de l’acheteur",
    "DL": "affactureur",
    "SR": "agent du vendeur",
    "PE": "bénéficiaire du paiement",
    "PR": "payeur",
    "II": "émetteur de la facture pour le vendeur",
    "IV": "destinataire de la facture pour l’acheteur",
    "WK": "plateforme agréée",
    "DFH": "concentrateur de données (PPF)",
}

AMOUNT_TYPES = frozenset(
    ["MEN", "MPA", "RAP", "ESC", "RAB", "REM", "MAP", "MAPTTC", "MNA", "MNATTC", "CBB", "DIV", "DVA", "MAJ"]
)
"""MDT-207: only the meanings of MEN (received) and MPA (paid) have an open source."""
