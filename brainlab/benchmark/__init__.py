"""Methods × metrics with intervals: who finds which lesions, measured alike for everyone and with no look at the truth.

    cohort = cohorts.phantom("FLAIR")                   whom to learn from, take thresholds from, and be tested on
    table = rows(cohort, methods.untrained(cohort) | methods.shipped(cohort))
    print(report(table))

The protocol: people are in one split only; a threshold comes from healthy people (``cohort.val``) at a false-positive
rate; every map of a row is cleaned alike; scores count inside the brain, which is never eroded for the truth; 95 %
intervals are over tested people, and there are none under ten.
"""

from brainlab.benchmark.cohorts import Cohort
from brainlab.benchmark.measures import FPRS, Row, rows, slice_rows, with_rim
from brainlab.benchmark.report import over_seeds, report

__all__ = ["FPRS", "Cohort", "Row", "over_seeds", "report", "rows", "slice_rows", "with_rim"]
