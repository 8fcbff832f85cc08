"""The norm's codes in French words, for people who read a page. An unknown code is shown as it is, never hidden."""

from decimal import Decimal

# UNTDID 1001 (BT-3).
TITLES = {
    "380": "Facture",
    "326": "Facture partielle",
    "384": "Facture rectificative",
    "386": "Facture d’acompte",
    "389": "Facture",
    "393": "Facture",
    "471": "Facture rectificative",
    "472": "Facture rectificative",
    "473": "Facture rectificative",
    "500": "Facture d’acompte",
    "501": "Facture",
    "875": "Facture de travaux partielle",
    "876": "Facture de travaux partielle finale",
    "877": "Facture de travaux finale",
    "261": "Avoir",
    "262": "Avoir pour remise globale",
    "381": "Avoir",
    "396": "Avoir",
    "502": "Avoir",
    "503": "Avoir sur facture d’acompte",
}
SELF_BILLED = frozenset({"261", "389", "471", "473", "500", "501", "502"})
FACTORED = frozenset({"393", "396", "472", "473", "501", "502"})

# UNTDID 5305 (BT-95, BT-102, BT-118, BT-151); "S" needs no word: its rate says it.
VAT_CATEGORIES = {
    "AE": "Autoliquidation",
    "E": "Exonéré de TVA",
    "G": "Exportation hors UE, exonérée",
    "K": "Livraison intracommunautaire, exonérée",
    "L": "IGIC (Canaries)",
    "M": "IPSI (Ceuta et Melilla)",
    "O": "Hors champ de la TVA",
    "Z": "Taux zéro",
}

# The same in a narrow column; the breakdown says it in full.
_VAT_SHORT = {
    "AE": "Autoliq.",
    "E": "Exo.",
    "G": "Export",
    "K": "Intra-UE",
    "L": "IGIC",
    "M": "IPSI",
    "O": "Hors champ",
    "Z": "0\u202f%",
}

# UNTDID 4461 (BT-81).
PAYMENT_MEANS = {
    "1": "Moyen de paiement non précisé",
    "10": "Espèces",
    "20": "Chèque",
    "21": "Chèque de banque",
    "23": "Chèque de banque",
    "24": "Lettre de change",
    "25": "Chèque certifié",
    "30": "Virement",
    "31": "Virement",
    "42": "Versement sur un compte bancaire",
    "44": "Billet à ordre",
    "48": "Carte bancaire",
    "49": "Prélèvement",
    "54": "Carte de crédit",
    "55": "Carte de débit",
    "57": "Accord de paiement permanent",
    "58": "Virement SEPA",
    "59": "Prélèvement SEPA",
    "60": "Billet à ordre",
    "68": "Paiement en ligne",
    "97": "Compensation entre partenaires",
    "ZZZ": "Moyen convenu entre les parties",
}

# UNTDID 2005 (BT-8). Code 3 tells the choice of paying VAT on debits (242 nonies A of annexe II CGI, 16°).
VAT_POINT_DATES = {
    "3": "TVA exigible à la date de la facture (option pour le paiement de la taxe d’après les débits)",
    "35": "TVA exigible à la livraison",
    "432": "TVA exigible à l’encaissement",
}

# UNTDID 4451 (BT-21); French uses in BR-FR-05.
NOTE_SUBJECTS = {
    "AAB": "Escompte",
    "AAI": "Information",
    "AAJ": "Conditions de vente",
    "AAK": "Conditions de prix",
    "ABL": "Mentions légales",
    "ACC": "Affacturage",
    "ADU": "Note",
    "BAR": "Traitement attendu",
    "BLU": "Éco-contribution",
    "CUS": "Douane",
    "PMD": "Pénalités de retard",
    "PMT": "Frais de recouvrement",
    "REG": "Mentions réglementaires",
    "SUR": "Remarque du vendeur",
    "TXD": "TVA",
}

# BT-23: the letter tells the nature of the operation (new mention of décret 2022-1299), the digit the circumstance.
_NATURES = {
    "B": "Livraison de biens",
    "S": "Prestation de services",
    "M": "Livraison de biens et prestation de services",
}
_CIRCUMSTANCES = {
    "2": "facture déjà payée",
    "3": "demande de paiement direct d’un sous-traitant",
    "4": "facture définitive après acompte",
    "5": "facture d’un sous-traitant",
    "6": "facture d’un cotraitant",
    "7": "TVA déjà collectée et déclarée",
    "8": "facture à plusieurs vendeurs",
    "9": "facture dans les deux sens",
}

# ISO/IEC 6523 and EAS schemes of identifiers.
SCHEMES = {
    "0002": "SIREN",
    "0009": "SIRET",
    "0060": "DUNS",
    "0088": "GLN",
    "0106": "KvK",
    "0160": "GTIN",
    "0190": "OIN",
    "0208": "BCE",
    "0223": "N° TVA UE",
    "0224": "Code service",
    "0225": "Adresse de facturation électronique",
    "0227": "Identifiant hors UE",
    "0228": "RIDET",
    "0229": "N° TAHITI",
    "0231": "SIREN de l’assujetti unique",
    "EM": "Courriel",
}

# UN/ECE recommendations 20 and 21 (BT-130): one, several.
_UNITS = {
    "4G": ("microlitre", "microlitres"),
    "5B": ("lot", "lots"),
    "ANN": ("an", "ans"),
    "B0": ("unité", "unités"),
    "BG": ("sac", "sacs"),
    "BJ": ("seau", "seaux"),
    "BO": ("bouteille", "bouteilles"),
    "BX": ("carton", "cartons"),
    "C62": ("unité", "unités"),
    "CEL": ("°C", "°C"),
    "CLT": ("cl", "cl"),
    "CMK": ("cm²", "cm²"),
    "CMT": ("cm", "cm"),
    "CS": ("caisse", "caisses"),
    "CT": ("carton", "cartons"),
    "DAY": ("jour", "jours"),
    "DMT": ("dm", "dm"),
    "DR": ("fût", "fûts"),
    "DZN": ("douzaine", "douzaines"),
    "E48": ("prestation", "prestations"),
    "EA": ("pièce", "pièces"),
    "GRM": ("g", "g"),
    "H87": ("pièce", "pièces"),
    "HAR": ("ha", "ha"),
    "HLT": ("hl", "hl"),
    "HUR": ("heure", "heures"),
    "KGM": ("kg", "kg"),
    "KMK": ("km²", "km²"),
    "KMT": ("km", "km"),
    "KTM": ("km", "km"),
    "KWH": ("kWh", "kWh"),
    "KWT": ("kW", "kW"),
    "LM": ("mètre linéaire", "mètres linéaires"),
    "LS": ("forfait", "forfaits"),
    "LTR": ("l", "l"),
    "MGM": ("mg", "mg"),
    "MIL": ("millier", "milliers"),
    "MIN": ("minute", "minutes"),
    "MLT": ("ml", "ml"),
    "MMK": ("mm²", "mm²"),
    "MMT": ("mm", "mm"),
    "MON": ("mois", "mois"),
    "MTK": ("m²", "m²"),
    "MTQ": ("m³", "m³"),
    "MTR": ("m", "m"),
    "MWH": ("MWh", "MWh"),
    "NAR": ("article", "articles"),
    "NMP": ("paquet", "paquets"),
    "NPR": ("paire", "paires"),
    "P1": ("%", "%"),
    "PA": ("paquet", "paquets"),
    "PCE": ("pièce", "pièces"),
    "PK": ("paquet", "paquets"),
    "PR": ("paire", "paires"),
    "QAN": ("trimestre", "trimestres"),
    "RO": ("rouleau", "rouleaux"),
    "SEC": ("seconde", "secondes"),
    "SET": ("ensemble", "ensembles"),
    "TNE": ("t", "t"),
    "WEE": ("semaine", "semaines"),
    "XBG": ("sac", "sacs"),
    "XBX": ("boîte", "boîtes"),
    "XCT": ("carton", "cartons"),
    "XPK": ("colis", "colis"),
    "XPP": ("pièce", "pièces"),
    "XPX": ("palette", "palettes"),
    "XUN": ("unité", "unités"),
    "ZP": ("page", "pages"),
}

# ISO 3166-1, the countries French invoices name most; another one is shown by its code.
_COUNTRIES = (
    "AD Andorre|AE Émirats arabes unis|AR Argentine|AT Autriche|AU Australie|BE Belgique|BF Burkina Faso|BG Bulgarie|"
    "BJ Bénin|BL Saint-Barthélemy|BR Brésil|CA Canada|CD République démocratique du Congo|CG Congo|CH Suisse|"
    "CI Côte d’Ivoire|CL Chili|CM Cameroun|CN Chine|CO Colombie|CY Chypre|CZ Tchéquie|DE Allemagne|DJ Djibouti|"
    "DK Danemark|DZ Algérie|EE Estonie|EG Égypte|ES Espagne|FI Finlande|FR France|GA Gabon|GB Royaume-Uni|"
    "GF Guyane|GP Guadeloupe|GR Grèce|EL Grèce|HK Hong Kong|HR Croatie|HU Hongrie|ID Indonésie|IE Irlande|IL Israël|"
    "IN Inde|IS Islande|IT Italie|JP Japon|KM Comores|KR Corée du Sud|LB Liban|LI Liechtenstein|LT Lituanie|"
    "LU Luxembourg|LV Lettonie|MA Maroc|MC Monaco|MF Saint-Martin|MG Madagascar|ML Mali|MQ Martinique|MT Malte|"
    "MU Maurice|MX Mexique|NC Nouvelle-Calédonie|NL Pays-Bas|NO Norvège|NZ Nouvelle-Zélande|PF Polynésie française|"
    "PL Pologne|PM Saint-Pierre-et-Miquelon|PT Portugal|QA Qatar|RE La Réunion|RO Roumanie|RS Serbie|"
    "SA Arabie saoudite|SE Suède|SG Singapour|SI Slovénie|SK Slovaquie|SN Sénégal|TG Togo|TH Thaïlande|TN Tunisie|"
    "TR Turquie|UA Ukraine|US États-Unis|VN Viêt Nam|WF Wallis-et-Futuna|XI Irlande du Nord|YT Mayotte|"
    "ZA Afrique du Sud"
)
COUNTRIES = {name[:2]: name[3:] for name in _COUNTRIES.split("|")}


def title(type_code: str, *, credit_note: bool) -> str:
    """The document's name (BT-3): Facture, Avoir, Facture rectificative…"""
    return TITLES.get(type_code, "Avoir" if credit_note else "Facture")


def unit(code: str, quantity: Decimal | None) -> str:
    """A unit in words, plural from 2 on as French has it; the code itself when we have no word for it."""
    words = _UNITS.get(code)
    if words is None:
        return code
    return words[1] if quantity is not None and abs(quantity) >= 2 else words[0]


def country(code: str) -> str:
    """A country's French name, or its code."""
    return COUNTRIES.get(code.upper(), code)


def scheme(code: str) -> str:
    """What an identifier of this scheme is called."""
    return SCHEMES.get(code, f"Identifiant ({code})" if code else "Identifiant")


def vat_category(code: str) -> str:
    """A VAT category in words; empty for the ordinary rates (S)."""
    return "" if code == "S" else VAT_CATEGORIES.get(code, code)


def vat_short(code: str, rate: str) -> str:
    """A VAT category and its written rate for a narrow column: `20 %`, `Autoliq.`, `IGIC 7 %`."""
    words = "" if code == "S" else _VAT_SHORT.get(code, code)
    return f"{words} {rate}".strip()


def framework(code: str) -> str:
    """The French billing framework (BT-23) in words; the value as it is for another business process."""
    if len(code) != 2 or code[0] not in _NATURES:
        return code
    words = [_NATURES[code[0]], _CIRCUMSTANCES.get(code[1], "")]
    return f"{', '.join(word for word in words if word)} ({code})"
