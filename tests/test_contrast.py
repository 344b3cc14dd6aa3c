"""The signal equations, and the pictures that a radiologist expects of them."""

import math

import pytest

from brainlab import InputError
from brainlab.contrast import RELAXATION, SEQUENCES, TISSUES, Relaxation, inversion_recovery, null_ti, signal, spin_echo

FIELDS = (1.5, 3.0)


def test_a_spin_echo_worked_by_hand():
    # TR = T1 ln 2 leaves half of the magnetisation; TE = T2 ln 4 leaves a quarter of that: 0.8 * 1/2 * 1/4 = 0.1.
    assert spin_echo(0.8, t1=1000, t2=100, tr=1000 * math.log(2), te=100 * math.log(4)) == pytest.approx(0.1)


def test_an_inversion_recovery_worked_by_hand():
    # e^(-TI/T1) = 1/4, e^(-TR/T1) = 1/16, so 1 - 2/4 + 1/16 = 9/16; TE = T2 ln 2 halves it: 0.8 * 9/32 = 0.225.
    t1 = 1000
    found = inversion_recovery(0.8, t1, t2=100, tr=t1 * math.log(16), te=100 * math.log(2), ti=t1 * math.log(4))
    assert found == pytest.approx(0.225)


def test_before_the_null_the_magnitude_is_positive_too():
    # e^(-TI/T1) = 3/4, e^(-TR/T1) -> 0: 1 - 3/2 = -1/2, whose magnitude is 1/2.
    assert inversion_recovery(1.0, 1000, 1e9, tr=1e9, te=0, ti=1000 * math.log(4 / 3)) == pytest.approx(0.5)


@pytest.mark.parametrize("field", FIELDS)
def test_grey_and_white_matter_have_the_published_times(field):
    published = {1.5: ((1124, 95), (884, 72)), 3.0: ((1820, 99), (1084, 69))}  # Stanisz 2005, Table 1
    for tissue, times in zip(("gm", "wm"), published[field], strict=True):
        assert RELAXATION[field][tissue][:2] == times


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    ("contrast", "order"),
    [("T1w", "wm gm csf"), ("T1ce", "wm gm csf"), ("T2w", "csf gm wm"), ("FLAIR", "gm wm csf")],
)
def test_each_contrast_ranks_the_tissues_as_a_radiologist_expects(contrast, order, field):
    values = [signal(tissue, contrast, field) for tissue in order.split()]
    assert values[0] > values[1] > values[2]


@pytest.mark.parametrize("field", FIELDS)
def test_flair_nulls_fluid(field):
    csf, flair = RELAXATION[field]["csf"], SEQUENCES["FLAIR"]
    assert flair.ti == pytest.approx(null_ti(csf.t1, flair.tr), abs=5)
    assert signal("csf", "FLAIR", field) < 0.02 * signal("gm", "FLAIR", field)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("tissue", ["plaque", "oedema", "infarct", "tumour"])
def test_watery_lesions_are_bright_on_t2w_and_flair_and_dark_on_t1w(tissue, field):
    for contrast in ("T2w", "FLAIR"):
        assert signal(tissue, contrast, field) > 1.2 * max(signal(t, contrast, field) for t in ("gm", "wm"))
    assert signal(tissue, "T1w", field) < 0.85 * signal("wm", "T1w", field)


@pytest.mark.parametrize("field", FIELDS)
def test_only_gadolinium_makes_the_rim_enhance(field):
    assert signal("enhancing", "T1ce", field) > 1.3 * signal("wm", "T1ce", field)
    for contrast in ("T1w", "T2w", "FLAIR"):
        assert signal("enhancing", contrast, field) == signal("tumour", contrast, field)


def test_every_signal_is_between_zero_and_that_of_water():
    for field in FIELDS:
        assert set(RELAXATION[field]) == set(TISSUES)
        for tissue in TISSUES:
            assert all(0 <= signal(tissue, contrast, field) <= 1 for contrast in SEQUENCES)


def test_a_tissue_of_ones_own_may_be_given():
    assert signal(Relaxation(1084, 69, 0.7), "T2w") == signal("wm", "T2w")


@pytest.mark.parametrize(
    ("given", "word"), [(("bone", "T1w", 3.0), "bone"), (("gm", "T9", 3.0), "T9"), (("gm", "T1w", 7.0), "7.0")]
)
def test_an_unknown_name_is_refused_in_one_sentence(given, word):
    with pytest.raises(InputError, match=word):
        signal(*given)
