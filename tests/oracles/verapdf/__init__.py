"""veraPDF, the reference validator of PDF/A and PDF/UA."""

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.oracles.java import java, need_java

_MAIN = "org.verapdf.apps.GreenfieldCliWrapper"


def verapdf(paths: Iterable[Path], flavour: str) -> dict[Path, tuple[str, ...]]:
    """Why each file is not of `flavour` ("3a", "3b", "ua1"); an empty tuple says that it is.

    All files go through one Java machine: call it once for many. Skips the test without Java (fails it in CI).
    """
    need_java()
    asked = {path.resolve(): path for path in paths}
    report = ET.fromstring(java("verapdf", _MAIN, "--format", "xml", "--flavour", flavour, *map(str, asked)))
    verdicts = {Path(job.findtext("item/name", "")): _reasons(job) for job in report.iter("job")}
    missing = asked.keys() - verdicts.keys()
    if missing:
        raise RuntimeError(f"veraPDF did not judge {sorted(map(str, missing))}")
    return {given: verdicts[path] for path, given in asked.items()}


def _reasons(job: ET.Element) -> tuple[str, ...]:
    report = job.find("validationReport")
    if report is None:
        return (" ".join("".join(job.itertext()).split())[:500] or "veraPDF gave no report",)
    if report.get("isCompliant") == "true":
        return ()
    return tuple(
        f"{rule.get('clause')}-{rule.get('testNumber')}: {rule.findtext('description', '')}"
        for rule in report.iter("rule")
    ) or ("not compliant, without a reason",)
