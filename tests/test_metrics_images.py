import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from brainlab import InputError, metrics


def test_image_auroc_of_a_case_worked_by_hand():
    # diseased 3 beats 2 and 1; diseased 2 beats 1 and equals 2: 3.5 of 4 pairs
    assert metrics.image_auroc([3.0, 2.0, 2.0, 1.0], [True, True, False, False]) == pytest.approx(3.5 / 4)
    assert metrics.image_auroc(torch.tensor([1.0, 2.0]), torch.tensor([True, False])) == 0.0


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_image_auroc_agrees_with_scikit_learn_ties_included(seed):
    rng = np.random.default_rng(seed)
    scores, diseased = rng.integers(0, 6, 40) / 6, rng.random(40) < 0.5
    diseased[:2] = [True, False]
    assert metrics.image_auroc(scores, diseased) == pytest.approx(roc_auc_score(diseased, scores), abs=1e-12)


def test_image_auroc_refuses_what_it_cannot_compare_in_a_sentence():
    scores = np.arange(4.0)
    with pytest.raises(InputError, match="not both"):
        metrics.image_auroc(scores, np.zeros(4, dtype=bool))
    with pytest.raises(InputError, match="not both"):
        metrics.image_auroc(scores, np.ones(4, dtype=bool))
    with pytest.raises(InputError, match="one score and one truth an image"):
        metrics.image_auroc(scores, np.ones(3, dtype=bool))
    with pytest.raises(InputError, match="one score and one truth an image"):
        metrics.image_auroc(np.ones((4, 1)), np.ones((4, 1), dtype=bool))  # a map each has no order yet
    with pytest.raises(InputError, match="must be boolean"):
        metrics.image_auroc(scores, ["healthy", "tumour", "healthy", "ms"])
    with pytest.raises(InputError, match="finite"):
        metrics.image_auroc(scores * np.nan, scores > 1)
