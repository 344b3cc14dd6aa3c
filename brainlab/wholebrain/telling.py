"""Findings in words: a table, and the names that it shares with the picture."""

from brainlab.wholebrain.scanning import Scan

STRANGE = "* above or below the levels that models learn from"


def table(scan: Scan, n: int = 10) -> str:
    """The ``n`` largest findings as Markdown, with what the threshold is worth."""
    rows = [
        f"| {name(scan, k)} | {ml:.2f} | {peak:.2f} | {point(centroid)} | {point(peak_mm)} |"
        for k, (ml, peak, peak_mm, centroid) in enumerate(scan.findings[:n], start=1)
    ]
    head = ["| finding | volume (ml) | peak score | centroid (mm) | peak at (mm) |", "|---|--:|--:|---|---|"]
    lines = [*head, *rows, ""] if rows else ["Nothing lies above the threshold, which says nothing of health.", ""]
    if rest := scan.findings[n:]:
        lines += [f"And {len(rest)} smaller, {sum(one.volume_ml for one in rest):.2f} ml together.", ""]
    if any(map(scan.strange, scan.findings)):
        lines += [f"\\{STRANGE}: false alarms are many there.", ""]
    origin = "" if scan.fpr is None else f", which at most {100 * scan.fpr:.3g} % of the healthy slices' brain exceed"
    left_out = f"; {scan.dropped} smaller than {scan.min_ml:g} ml are left out" if scan.dropped else ""
    return "\n".join(
        [
            *lines,
            f"Score above {scan.threshold:.3f}{origin}{left_out}. Points are mm from the scan's origin to the "
            "patient's right (R) or left (L), anterior (A) or posterior (P), superior (S) or inferior (I). For "
            "teaching, not for diagnosis.",
        ]
    )


def name(scan: Scan, k: int) -> str:
    """A finding's number, with a star where models have never seen its level."""
    return f"{k}*" if scan.strange(scan.findings[k - 1]) else str(k)


def point(mm: tuple[float, float, float]) -> str:
    """R 35, A 20, S 15."""
    return ", ".join(f"{pair[int(one < 0)]} {abs(one):.0f}" for pair, one in zip(("RL", "AP", "SI"), mm, strict=True))
