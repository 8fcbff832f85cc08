"""What PDF/A asks of the fonts of a PDF, as far as their dictionaries tell. Source: ISO 19005-3, 6.2.11."""

import pikepdf

# Where the program of each kind of font is, and what it may be (ISO 32000-1, table 126).
_COMPACT = frozenset({"/Type1C", "/CIDFontType0C", "/OpenType"})
_FILES = {
    "/Type1": ("/FontFile", "/FontFile3"),
    "/MMType1": ("/FontFile", "/FontFile3"),
    "/TrueType": ("/FontFile2", "/FontFile3"),
    "/CIDFontType0": ("/FontFile3",),
    "/CIDFontType2": ("/FontFile2", "/FontFile3"),
}
_SYMBOLIC, _NONSYMBOLIC = 1 << 2, 1 << 5
_ENCODINGS = frozenset({"/WinAnsiEncoding", "/MacRomanEncoding"})


def is_embedded(font: pikepdf.Object) -> bool:
    """True when the program that draws the glyphs is in the PDF."""
    if str(font.get("/Subtype", "")) == "/Type3":
        return True  # its glyphs are content
    holder, descriptor = _holder(font), _descriptor(font)
    if holder is None or descriptor is None:
        return False
    for name in _FILES.get(str(holder.get("/Subtype", "")), ()):
        file = descriptor.get(name)
        if isinstance(file, pikepdf.Stream) and (name != "/FontFile3" or str(file.get("/Subtype", "")) in _COMPACT):
            return True
    return False


def name_of(font: pikepdf.Object) -> str:
    """The name that the program which made the PDF shows, without the tag of a subset."""
    name = str(font.get("/BaseFont", "/?"))[1:]
    return name[7:] if len(name) > 7 and name[6] == "+" else name


def badly_encoded(font: pikepdf.Object) -> bool:
    """True when an embedded font is encoded in a way that PDF/A forbids (6.2.11.3.2, 6.2.11.6)."""
    kind = str(font.get("/Subtype", ""))
    if kind == "/Type0":
        descendant = _descendant(font)
        return (
            descendant is not None
            and str(descendant.get("/Subtype", "")) == "/CIDFontType2"
            and not (
                isinstance(descendant.get("/CIDToGIDMap"), pikepdf.Stream)
                or str(descendant.get("/CIDToGIDMap", "")) == "/Identity"
            )
        )
    if kind != "/TrueType":
        return False
    descriptor = _descriptor(font)
    flags = int(descriptor.get("/Flags", 0)) if descriptor is not None else 0
    encoding = font.get("/Encoding")
    if flags & _SYMBOLIC:
        return encoding is not None
    if isinstance(encoding, pikepdf.Dictionary):
        encoding = encoding.get("/BaseEncoding")
    return bool(flags & _NONSYMBOLIC) and str(encoding) not in _ENCODINGS


def _descriptor(font: pikepdf.Object) -> pikepdf.Object | None:
    holder = _holder(font)
    descriptor = holder.get("/FontDescriptor") if holder is not None else None
    return descriptor if isinstance(descriptor, pikepdf.Dictionary) else None


def _holder(font: pikepdf.Object) -> pikepdf.Object | None:
    """The font that has the descriptor: a composite font leaves it to its descendant."""
    return _descendant(font) if str(font.get("/Subtype", "")) == "/Type0" else font


def _descendant(font: pikepdf.Object) -> pikepdf.Object | None:
    fonts = font.get("/DescendantFonts")
    first = fonts[0] if isinstance(fonts, pikepdf.Array) and len(fonts) else None
    return first if isinstance(first, pikepdf.Dictionary) else None


def forget_optional_sets(pdf: pikepdf.Pdf) -> None:
    """Remove the lists of glyphs that PDF/A-2 and -3 do not ask for, and that are a fault when incomplete.

    ISO 19005-3, 6.2.11.4.2: CharSet of Type 1 fonts, CIDSet of composite ones. No viewer needs them.
    """
    for each in pdf.objects:
        if isinstance(each, pikepdf.Dictionary) and each.get("/Type") == pikepdf.Name.FontDescriptor:
            for name in ("/CharSet", "/CIDSet"):
                if name in each:
                    del each[name]


def give_glyph_map(font: pikepdf.Object) -> None:
    """Write down the identity that an embedded TrueType CID font without a glyph map is read with (6.2.11.3.2)."""
    if (
        font.get("/Subtype") == pikepdf.Name.CIDFontType2
        and "/CIDToGIDMap" not in font
        and isinstance(font.get("/FontDescriptor"), pikepdf.Dictionary)
        and "/FontFile2" in font.FontDescriptor
    ):
        font.CIDToGIDMap = pikepdf.Name.Identity
