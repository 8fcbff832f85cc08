"""Our own words for the official rules a user meets most: what is wrong, and where to mend it.

The official message stays beside, as it was read when the document was judged; this only says it as a colleague would.
A family's sentence stands for its rules that have none of their own.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FRENCH = ("BR-FR-", "FF-")
"""Rules whose messages are in French already."""

RULES: dict[str, str | Promise] = {
    "BR-01": _("The invoice does not say which standard it follows (BT-24)."),
    "BR-02": _("The invoice has no number (BT-1)."),
    "BR-03": _("The invoice has no issue date (BT-2)."),
    "BR-04": _("The invoice does not say its type, invoice or credit note (BT-3)."),
    "BR-05": _("The currency is missing (BT-5)."),
    "BR-06": _("The seller’s name is missing (BT-27)."),
    "BR-07": _("The customer’s name is missing (BT-44)."),
    "BR-08": _("The seller’s address is missing (BG-5)."),
    "BR-09": _("The country is missing from the seller’s address (BT-40)."),
    "BR-10": _("The customer’s address is missing (BG-8)."),
    "BR-11": _("The country is missing from the customer’s address (BT-55)."),
    "BR-12": _("The sum of the lines is missing (BT-106)."),
    "BR-13": _("The total without VAT is missing (BT-109)."),
    "BR-14": _("The total with VAT is missing (BT-112)."),
    "BR-15": _("The amount due is missing (BT-115)."),
    "BR-16": _("The invoice has no line at all."),
    "BR-21": _("A line has no number (BT-126)."),
    "BR-22": _("A line has no quantity (BT-129)."),
    "BR-23": _("A line has no unit of quantity (BT-130)."),
    "BR-24": _("A line has no net amount (BT-131)."),
    "BR-25": _("A line does not name what is sold (BT-153)."),
    "BR-26": _("A line has no price (BT-146)."),
    "BR-27": _("A line has a negative price (BT-146): make the quantity negative instead."),
    "BR-45": _("A line of the VAT breakdown has no base (BT-116)."),
    "BR-46": _("A line of the VAT breakdown has no amount (BT-117)."),
    "BR-47": _("A line of the VAT breakdown has no category (BT-118)."),
    "BR-48": _("A line of the VAT breakdown has no rate (BT-119)."),
    "BR-49": _("The means of payment has no code (BT-81)."),
    "BR-50": _("The transfer gives no account to pay to (BT-84)."),
    "BR-55": _("A reference to an earlier invoice has no number (BT-25)."),
    "BR-61": _("Payment by transfer is asked for, but the IBAN is missing (BT-84)."),
    "BR-62": _("The seller’s electronic address does not say of which kind it is (BT-34)."),
    "BR-63": _("The customer’s electronic address does not say of which kind it is (BT-49)."),
    "BR-CO-03": _("The VAT date (BT-7) and its code (BT-8) exclude each other: keep one."),
    "BR-CO-04": _("A line does not say its VAT category (BT-151)."),
    "BR-CO-09": _("A VAT number does not begin with its country’s code (FR…)."),
    "BR-CO-10": _("The lines do not add up to the sum that is stated for them (BT-106)."),
    "BR-CO-11": _("The allowances do not add up to their stated total (BT-107)."),
    "BR-CO-12": _("The charges do not add up to their stated total (BT-108)."),
    "BR-CO-13": _("The total without VAT (BT-109) is not lines − allowances + charges."),
    "BR-CO-14": _("The VAT amounts do not add up to the stated total of VAT (BT-110)."),
    "BR-CO-15": _("The total with VAT (BT-112) is not the total without VAT plus the VAT."),
    "BR-CO-16": _("The amount due (BT-115) is not the total with VAT, less what is already paid, plus rounding."),
    "BR-CO-17": _("A VAT amount (BT-117) is not its base times its rate."),
    "BR-CO-18": _("The VAT breakdown is missing (BG-23)."),
    "BR-CO-25": _("Something is to be paid, but neither a due date (BT-9) nor payment terms (BT-20) say when."),
    "BR-CO-26": _("Nothing identifies the seller: give its SIREN, its VAT number or another identifier."),
}

FAMILIES: tuple[tuple[str, str | Promise], ...] = (
    ("BR-CL-", _("A code is not one of the official list.")),
    ("BR-DEC-", _("An amount has more than two decimals.")),
    ("BR-S-", _("What is taxed at the standard rate does not agree between the lines and the VAT breakdown.")),
    ("BR-Z-", _("What is taxed at rate zero does not agree between the lines and the VAT breakdown.")),
    ("BR-E-", _("What is exempt from VAT does not agree with the VAT breakdown, or its reason is missing.")),
    ("BR-AE-", _("What is under reverse charge does not agree with the VAT breakdown, or a VAT number is missing.")),
    (
        "BR-IC-",
        _("What is an intra-Community supply does not agree with the VAT breakdown, or a VAT number is missing."),
    ),
    ("BR-G-", _("What is exported does not agree with the VAT breakdown, or its reason is missing.")),
    ("BR-O-", _("What is outside the scope of VAT does not agree with the VAT breakdown, or its reason is missing.")),
    ("FX-SCH-", _("An element of the Factur-X data is missing, or stands where it may not.")),
    ("FF-XSD", _("The file is not built as its format requires: export it again from your invoicing software.")),
)


def in_words(rule: str) -> str | Promise:
    """Return our sentence for a rule, or an empty text when it has none."""
    if rule in RULES:
        return RULES[rule]
    return next((sentence for prefix, sentence in FAMILIES if rule.startswith(prefix)), "")


def language_of(rule: str) -> str:
    """Return the language of the official message of a rule."""
    return "fr" if rule.startswith(FRENCH) else "en"


def without_rule(message: str, rule: str) -> str:
    """Return the official message without the rule's id in front: it is shown beside."""
    return message.removeprefix(f"[{rule}]").lstrip("- ") if message.startswith(f"[{rule}]") else message
