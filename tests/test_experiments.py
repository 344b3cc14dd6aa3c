"""Each pitfall on a few made-up slices, where it must show by construction."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import brainlab as bl
from brainlab import InputError, anomaly, experiments
from brainlab.experiments import contaminated, drawing, leaking, shift
from brainlab.slices import About, Slices
from tests.tiny import tiny

SIZE = 32


def some_slices(people=12, visits=("healthy", "ms-hypo", "tumour-hyper"), first=0, seed=0, a_visit=4):
    """People with a brightness of their own; lesions of the dark visits are black, of the bright ones white."""
    draw = torch.Generator().manual_seed(seed)
    rows = [(f"p{first + i:02d}", visit) for i in range(people) for visit in visits for _ in range(a_visit)]
    n = len(rows)
    brain = torch.zeros(n, 1, SIZE, SIZE, dtype=torch.bool)
    brain[..., 3:-3, 3:-3] = True
    images = 0.5 + 0.12 * torch.randn(n, 1, SIZE, SIZE, generator=draw)
    masks = torch.zeros_like(brain)
    for k, (_, visit) in enumerate(rows):
        if visit != "healthy":
            row, column = torch.randint(4, SIZE - 9, (2,), generator=draw).tolist()
            masks[k, 0, row : row + 5, column : column + 5] = True
            images[k, 0, row : row + 5, column : column + 5] = 0.05 if visit.endswith("hypo") else 0.95
    return Slices(
        images=images.clamp(0, 1) * brain,
        masks=masks,
        brain=brain,
        subjects=tuple(person for person, _ in rows),
        labels=tuple(visit.split("-")[0] for _, visit in rows),
        position_mm=np.zeros(n),
        visit=tuple(visit for _, visit in rows),
        affine=np.zeros((n, 4, 4)),
        contrast="T1w",
        spacing=3.0,
        about=About("made up", "none", "none", synthetic=True),
    )


class Grey(nn.Module):
    """Believes that every brain is a grey of its own, plus an error of a fixed size."""

    def __init__(self, grey=0.5, share=0.0):
        super().__init__()
        self.config = bl.ModelConfig(image_size=SIZE)
        self.grey, self.share = grey, share

    def reconstruct(self, x, condition=None):
        return self.share * x + (1 - self.share) * self.grey


def drawn(result):
    """The figure has been drawn, and says what it shows."""
    figure = result.figure()
    assert len(figure.alt) > 80
    assert "nan" not in figure.alt
    assert len(figure._repr_mimebundle_()["text/html"]) > 5000
    return figure.alt


def test_a_disk_as_bright_as_healthy_tissue_is_found_worst_even_by_a_perfect_model():
    slices = some_slices()
    found = experiments.contrast_sweep(slices, intensities=21)
    low, high = np.quantile(slices.where(visit="healthy").images[slices.where(visit="healthy").brain], [0.05, 0.95])
    worst = found.average_precision.argmin()
    assert low < found.intensities[worst] < high
    assert found.average_precision[worst] < 0.5 * min(found.average_precision[[0, -1]])
    assert found.average_precision[0] > 0.9
    assert found.histogram.sum() == pytest.approx(1)
    assert "blurred by 1 px" in drawn(found)


def test_without_a_blur_the_perfect_model_finds_every_disk():
    found = experiments.contrast_sweep(some_slices(), blur_px=0, intensities=3)
    np.testing.assert_allclose(found.average_precision, 1)


def test_a_sweep_by_a_model_shows_it_the_disk():
    copies = experiments.contrast_sweep(some_slices(), intensities=3, model=Grey(share=1.0))
    np.testing.assert_allclose(copies.average_precision, copies.prevalence)  # the disk is rebuilt: no residual at all
    assert "Grey" in drawn(copies)


def test_the_latent_sizes_come_in_order_with_the_worth_of_each():
    models = {8: Grey(share=0.9), 2: Grey(share=0.0)}
    found = experiments.latent_size(models, some_slices(), draws=20)
    assert found.sizes == (2, 8)
    assert found.psnr[1] > found.psnr[0] + 10  # a tenth of the error is 20 dB less
    assert found.average_precision[0].low <= found.average_precision[0].value <= found.average_precision[0].high
    assert "dark lesions" in drawn(found)


def test_the_rank_correlation_is_that_of_the_formula_by_hand():
    # A lighter grey than 0.33 rebuilds the picture, black margin included, worse and worse.
    models = {"dark": Grey(0.35), "middle": Grey(0.5), "light": Grey(0.8), "white": Grey(1.0)}
    for contrast in ("hypo", "hyper"):
        found = experiments.reconstruction_vs_detection(models, some_slices(), contrast=contrast, draws=0)
        assert list(found.psnr) == sorted(found.psnr, reverse=True)
        values = np.array([ap.value for ap in found.average_precision])
        ranks = [(values < value).sum() + (values == value).sum() / 2 for value in values]  # ties share their ranks
        assert found.correlation == pytest.approx(np.corrcoef(ranks, [4, 3, 2, 1])[0, 1])  # Spearman 1904
        assert f"rank correlation {found.correlation:.2f}" in drawn(found)


def test_names_beside_points_leave_points_free():
    figure, ((axis,),) = drawing.chart()
    x, y = [1.0, 1.3, 1.6, 3.0], [1.0, 1.0, 1.05, 2.0]
    axis.scatter(x, y)
    axis.margins(x=0.4)
    drawing.name_points(axis, x, y, ["one", "two", "three", "four"], ["k"] * 4)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axis.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert not any(box.contains(*axis.transData.transform(point)) for box in boxes for point in zip(x, y, strict=True))


def one_face_each(people=12, a_person=5):
    """Everyone has one face, all slices of a person being almost the same."""
    slices = some_slices(people, ("healthy",), a_visit=a_person)
    faces = slices.images[::a_person].repeat_interleave(a_person, dim=0)
    grain = 0.01 * torch.randn(faces.shape, generator=torch.Generator().manual_seed(1))
    return replace(slices, images=(faces + grain).clamp(0, 1) * slices.brain)


def test_where_people_are_recognised_a_coin_is_predicted_by_slices_and_not_by_people():
    found = experiments.leakage(slices=one_face_each(40), draws=20)
    coin = "the toss of a coin"
    assert found.same_person > 0.95
    assert found.by_slice[coin].value > 0.95
    assert 0.25 < found.by_person[coin].value < 0.75
    assert "split by slice" in drawn(found)


def test_a_split_by_person_never_takes_a_neighbour_of_the_same_fold():
    apart = torch.tensor([[0.0, 1, 5, 6], [1, 0, 4, 5], [5, 4, 0, 1], [6, 5, 1, 0]])
    assert leaking.nearest(apart, np.array([0, 0, 1, 1])).tolist() == [2, 2, 1, 1]
    assert leaking.nearest(apart, np.array([0, 1, 0, 1])).tolist() == [1, 0, 3, 2]


def test_the_oracle_is_never_below_the_thresholds_from_healthy_slices():
    dev, val = some_slices(), some_slices(6, ("healthy",), first=50, seed=5)
    methods = {
        "grey": anomaly.scored(Grey()),
        "darkness": anomaly.darkness,
        "noise": lambda s: torch.rand(s.images.shape, generator=torch.Generator().manual_seed(0)) * s.brain,
    }
    found = experiments.oracle_vs_healthy(methods, dev, val)
    for oracle, *honest in zip(found.oracle, found.at_5, found.at_1, strict=True):
        assert oracle >= max(honest)
    assert found.oracle[1] > 0.9
    assert found.at_5[1] < found.at_1[1] < found.oracle[1]  # five per cent of a brain are more pixels than the lesion
    assert "darkness" in drawn(found)


def test_a_threshold_from_the_same_people_is_refused():
    with pytest.raises(InputError, match="other people"):
        experiments.oracle_vs_healthy({"darkness": anomaly.darkness}, some_slices(), some_slices())


def test_no_erosion_loses_nothing_and_more_erosion_loses_more():
    found = experiments.erosion(anomaly.darkness, some_slices(), radii=range(7))
    assert found.lost[0] == found.brain_lost[0] == 0
    assert list(found.lost) == sorted(found.lost)
    assert 0 < found.lost[-1] < 1
    assert found.brain_lost[2] == pytest.approx(1 - 22**2 / 26**2)
    assert found.average_precision[0] > 0.9
    assert found.average_precision[-1] < 1 - found.lost[-1] + 0.05  # what is lost is never found
    assert "Average precision" in drawn(found)


def test_false_alarms_on_the_rim_are_what_erosion_removes():
    loud = lambda s: anomaly.darkness(s) + 2 * (s.brain & ~anomaly.erode(s.brain, 2))  # noqa: E731 - one formula
    found = experiments.erosion(loud, some_slices(), radii=(0, 3))
    assert found.average_precision[1] > found.average_precision[0] + 0.2


def test_a_threshold_holds_for_its_own_population_and_for_no_other():
    val = some_slices(6, ("healthy",), seed=5)
    brighter = replace(some_slices(), images=(some_slices().images + 0.15) * some_slices().brain)
    found = experiments.domain_shift(Grey(), {"same": some_slices(), "brighter": brighter}, val, draws=20)
    assert found.rates["same"].value == pytest.approx(0.05, abs=0.01)
    assert found.rates["brighter"].value > 0.1
    assert "promised 5 %" in drawn(found)


def test_another_scanner_shades_and_leaves_people_in_place():
    before = some_slices(3)
    seen = shift.another_scanner(before, bias=0.3, noise=0.05)
    assert seen.subjects == before.subjects
    assert (seen.images[~seen.brain] == 0).all()
    assert 0 <= seen.images.min() <= seen.images.max() <= 1
    torch.testing.assert_close(seen.images, shift.another_scanner(before, bias=0.3, noise=0.05).images)
    noise = (shift.another_scanner(before, 0, 0.05).images - shift.another_scanner(before, 0, 0).images)[before.brain]
    assert noise.std() > 0.03
    torch.testing.assert_close(before.images, some_slices(3).images)


def test_auroc_stays_while_average_precision_falls_with_prevalence():
    found = experiments.auroc_vs_ap(prevalences=(0.001, 0.5, 0.02))
    assert found.prevalences == (0.5, 0.02, 0.001)
    np.testing.assert_allclose(found.auroc, 0.95, atol=0.02)
    high, middle, low = found.average_precision
    assert high > 0.94
    assert high > middle + 0.3 > low + 0.6
    assert "0.1 %" in drawn(found)


def test_measured_scores_are_thinned_out_alike():
    score = lambda s: s.brain * (anomaly.darkness(s) + torch.rand(s.images.shape, generator=torch.Generator()))  # noqa: E731
    found = experiments.auroc_vs_ap(score, some_slices(), prevalences=(0.3, 0.01))
    assert found.auroc[0] == pytest.approx(found.auroc[1], abs=0.03)
    assert found.average_precision[1] < found.average_precision[0]
    assert "dark lesions" in drawn(found)


def test_a_guess_has_the_average_precision_that_was_asked_for():
    shares = (0.5, 0.2, 0.04, 0.01)  # the slices have 0.037: for the first three lesion pixels are few, then healthy
    found = experiments.auroc_vs_ap(lambda s: torch.zeros_like(s.images), some_slices(), shares)
    np.testing.assert_allclose(found.average_precision, shares, rtol=0.03)


def test_contamination_is_the_same_every_time_and_trains_on_nobody_who_is_tested(one_thread):
    train, slices = some_slices(6, ("healthy",), first=50), some_slices()
    settings = {"shares": (0, 0.25), "models": ("ae", "vae", "dae"), "steps": 2, "train": train, "slices": slices}
    found = experiments.contamination(**settings)
    assert str(experiments.contamination(**settings)) == str(found)  # nan, which there are, is not equal to nan
    assert {name: len(aps) for name, aps in found.average_precision.items()} == {"ae": 2, "vae": 2, "dae": 2}
    assert found.average_precision["dae"][0] != found.average_precision["dae"][1]
    assert "at 25 %" in drawn(found)


def test_a_share_of_the_healthy_slices_is_replaced_and_a_larger_share_holds_a_smaller():
    train, others = some_slices(5, ("healthy",), first=50), some_slices(6, ("ms-hypo",))
    few, more = (contaminated.mixed(train, others, share, seed=3)["x"] for share in (0.1, 0.5))
    known = [i for i in range(20) if torch.equal(few[i], train.images[i])]
    assert len(known) == 18
    changed = [i for i in range(20) if i not in known]
    assert all(torch.equal(few[i], more[i]) for i in changed)
    assert all((few[i] == others.images).flatten(1).all(dim=1).any() for i in changed)
    assert sum(torch.equal(more[i], train.images[i]) for i in range(20)) == 10
    with pytest.raises(InputError, match="different splits"):
        contaminated.mixed(train, some_slices(6, ("ms-hypo",), first=52), 0.1, 0)


def test_halving_keeps_means_and_what_is_half_covered():
    slices = some_slices(2)
    half = contaminated.halved(slices)
    assert half.images[0, 0, 5, 6] == pytest.approx(float(slices.images[0, 0, 10:12, 12:14].mean()))
    assert half.images.shape[-1] == SIZE // 2
    assert not half.brain[0, 0, 0, 0]
    assert half.masks[slices.masks.flatten(1).any(dim=1)].flatten(1).any(dim=1).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: experiments.contrast_sweep(s, blur_px=-1), "blur_px must be"),
        (lambda s: experiments.contrast_sweep(s, intensities=1), "intensities must be"),
        (lambda s: experiments.contrast_sweep(s, radius_px=20), "has room"),
        (lambda s: experiments.latent_size({}, s), "at least one model"),
        (lambda s: experiments.latent_size({2: Grey()}, s, contrast="dark"), "contrast must be"),
        (lambda s: experiments.latent_size({2: Grey()}, s, contrast="iso"), "no iso lesion"),
        (lambda s: experiments.reconstruction_vs_detection({"a": Grey()}, s), "at least 3 models"),
        (lambda s: experiments.leakage(slices=s[:20]), "people or more"),
        (lambda s: experiments.leakage(slices=s, folds=1), "folds must be"),
        (lambda s: experiments.oracle_vs_healthy({}, s, s), "at least one method"),
        (lambda s: experiments.erosion(anomaly.darkness, s, radii=()), "at least one radius"),
        (lambda s: experiments.erosion(anomaly.darkness, s, radii=(-1,)), "0 or more"),
        (lambda s: experiments.domain_shift(Grey(), {}, s), "at least one domain"),
        (lambda s: shift.another_scanner(s, bias=2), "bias and noise"),
        (lambda s: experiments.auroc_vs_ap(prevalences=(0, 0.5)), "prevalences are shares"),
        (lambda s: experiments.auroc_vs_ap(slices=s), "need a score"),
        (lambda s: experiments.auroc_vs_ap(prevalences=(1e-6,)), "only 0 lesion pixels"),
        (lambda s: experiments.contamination(models=("gan",), train=s, slices=s), "chosen from"),
        (lambda s: experiments.contamination((1.0,), train=s, slices=s), "shares from 0"),
        (lambda s: experiments.contamination(steps=0, train=s, slices=s), "steps must be"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(call, words):
    with pytest.raises(InputError, match=words):
        call(some_slices())


def test_experiments_load_no_matplotlib_until_they_draw():
    code = "import sys, brainlab.experiments; print('matplotlib' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


def test_a_real_model_goes_through_the_same_door():
    model = tiny(bl.Autoencoder)
    assert model.config.image_size == SIZE
    found = experiments.latent_size({4: model}, some_slices(), draws=0)
    assert np.isfinite(found.psnr).all()
