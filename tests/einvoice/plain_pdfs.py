"""PDFs as other programs make them: not PDF/A, or a PDF/A of another part. Made here, by their own real makers."""

import io
import shutil
import subprocess
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pikepdf
import typst
from pikepdf import Array, Dictionary, Name, Pdf, String

from tests.waiting import PATIENCE

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

_TYPST = """
#set document(title: "Facture F-2026-117", author: "CUMA des Trois Vallées")
#set page(width: 21cm, height: 29.7cm)
#set text(lang: "fr", font: "Libertinus Serif")
= Facture F-2026-117
Battage, 12 ha à 95,00 € : #strong[1 140,00 €]. #link("https://trois-vallees.example/")[Nous écrire]
#math.equation(block: true, alt: "somme", $ sum_(k=1)^n k = (n(n+1))/2 $)
#rect(width: 4cm, height: 1cm, fill: rgb(0, 90, 60, GLASS))
#pagebreak()
= Conditions
#table(columns: 2, [Échéance], [30 jours], [Pénalités], [10 %])
"""


Standard = Literal["1.7", "2.0", "a-1b", "a-2a", "a-2b", "a-2u", "a-3a", "a-3b", "a-4", "a-4f"]


def by_typst(standard: Standard = "1.7", *, glass: bool = False) -> bytes:
    """Two pages of Typst, in the standard asked for; with a half transparent rectangle when `glass`."""
    source = _TYPST.replace("GLASS", "120" if glass else "255").encode()
    made = typst.Compiler().compile(input=source, format="pdf", pdf_standards=[standard], timestamp=AT)
    assert isinstance(made, bytes)
    return made


def by_chromium(folder: Path) -> bytes | None:
    """What a browser's "print to PDF" writes; None where there is no browser."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        return None
    page, target = folder / "facture.html", folder / "facture.pdf"
    page.write_text(
        "<!doctype html><html lang=fr><meta charset=utf-8><title>Facture F-2026-117</title>"
        "<h1>Facture F-2026-117</h1><p style='opacity:.6'>Battage, 12 ha à 95,00 €</p>"
        "<p style='font-family:monospace'>IBAN FR00</p><a href='https://trois-vallees.example/'>Nous écrire</a>"
        "<div style='background:linear-gradient(red,blue);box-shadow:0 0 9px #000;width:9em;height:3em'></div>",
        encoding="utf-8",
    )
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    done = subprocess.run(
        [*command, f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={target}", page.as_uri()],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    return target.read_bytes()


def changed(pdf: bytes, change: Callable[[Pdf], object]) -> bytes:
    """`pdf` after `change`, saved as it is."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        change(opened)
        opened.save(
            out,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            compress_streams=False,
            fix_metadata_version=False,
            deterministic_id=True,
        )
    return out.getvalue()


def stream(pdf: Pdf, content: bytes, **words: object) -> pikepdf.Object:
    """A stream and what its dictionary says."""
    made = pdf.make_stream(content)
    for name, value in words.items():
        made.stream_dict[f"/{name}"] = value
    return made


def drawn(content: bytes, **resources: object) -> bytes:
    """One page whose content and resources are given."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    page = pdf.pages[0].obj
    page.Resources = Dictionary({f"/{name}": value for name, value in resources.items()})
    page.Contents = pdf.make_stream(content)
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True)
    return out.getvalue()


def unembedded(text: bytes = b"BT /F1 12 Tf 50 700 Td (Facture) Tj ET", *, name: str = "Helvetica") -> bytes:
    """A page written with one of the fonts that viewers have of their own."""
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name(f"/{name}"), Encoding=Name.WinAnsiEncoding)
    return drawn(text, Font=Dictionary(F1=font))


def scripted(pdf: Pdf) -> None:
    """Scripts wherever they may be."""
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
    pdf.Root.OpenAction = script
    pdf.Root.AA = Dictionary(WC=script)
    pdf.pages[0].obj.AA = Dictionary(O=script)
    button = Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, FT=Name.Btn, T=String("b"), Rect=Array([9, 9, 40, 20]), A=script, Ff=65536
    )
    reference = pdf.make_indirect(button)
    pdf.Root.AcroForm = Dictionary(Fields=Array([reference]))
    pdf.pages[0].obj.Annots = Array([*list(pdf.pages[0].obj.get("/Annots", [])), reference])


def noted(pdf: Pdf) -> None:
    """A stamp with its look, a hidden note, a link within the document."""
    look = stream(
        pdf, b"0.8 0.1 0.1 rg 0 0 100 20 re f", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 100, 20])
    )
    stamp = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([50, 50, 150, 70]), AP=Dictionary(N=look), F=4)
    hidden = Dictionary(Type=Name.Annot, Subtype=Name.Text, Rect=Array([0, 0, 9, 9]), Contents=String("x"), F=2)
    within = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]), Dest=Array([pdf.pages[0].obj]))
    pdf.pages[0].obj.Annots = Array([pdf.make_indirect(each) for each in (stamp, hidden, within)])


def layered(pdf: Pdf, *, by_use: bool = False) -> None:
    """A layer that is not shown."""
    layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("Filigrane")))
    pdf.pages[0].obj.Resources.Properties = Dictionary(L1=layer)
    pdf.pages[0].contents_add(b"/OC /L1 BDC 1 0 0 rg 0 0 300 300 re f EMC")
    base = Dictionary(OFF=Array([layer]), Order=Array([]))
    if by_use:
        layer.Usage = Dictionary(Print=Dictionary(PrintState=Name.ON))
        event = Dictionary(Event=Name.Print, OCGs=Array([layer]), Category=Array([Name.Print]))
        base.AS = Array([event])
    pdf.Root.OCProperties = Dictionary(OCGs=Array([layer]), D=base)


def pictured(pdf: Pdf) -> None:
    """An interpolated picture with a soft mask, in a compression that PDF/A forbids."""
    mask = stream(
        pdf, bytes(range(64)), Subtype=Name.Image, Width=8, Height=8, BitsPerComponent=8, ColorSpace=Name.DeviceGray
    )
    picture = stream(
        pdf,
        zlib.compress(bytes(range(192))),
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=8,
        Height=8,
        BitsPerComponent=8,
        ColorSpace=Name.DeviceRGB,
        Filter=Name.FlateDecode,
        Interpolate=True,
        SMask=mask,
    )
    pdf.pages[0].obj.Resources.XObject = Dictionary(Im=picture)
    pdf.pages[0].contents_add(b"q 100 0 0 100 300 300 cm /Im Do Q")


def borrowing(pdf: Pdf) -> None:
    """A form without resources of its own, which uses those of its page."""
    form = stream(
        pdf, b"/Half gs 0 0 1 rg 0 0 50 50 re f", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 50, 50])
    )
    resources = pdf.pages[0].obj.Resources
    resources.ExtGState = Dictionary(Half=Dictionary(ca=0.5))
    resources.XObject = Dictionary(Fm=form)
    pdf.pages[0].contents_add(b"q /Fm Do Q")


def with_file(name: str, content: bytes, **words: object) -> Callable[[Pdf], None]:
    """A change that puts a file in the name tree."""

    def change(pdf: Pdf) -> None:
        file = stream(pdf, content, Type=Name.EmbeddedFile)
        specification = Dictionary(Type=Name.Filespec, F=String(name), EF=Dictionary(F=file))
        for key, value in words.items():
            specification[f"/{key}"] = value
        tree = Array([String(name), pdf.make_indirect(specification)])
        pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=tree))

    return change
