"""What a whole volume's scan finds lies where it is, as large as it is, whichever way the voxels run."""

import re
import sys
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from made_up import CENTRE, GRIDS, HALF, load, saved
from scipy import ndimage
from torch import nn

import brainlab as bl
from brainlab import InputError, anomaly, checkpoints, geometry, volumes, wholebrain
from brainlab.slices import About, Slices

THICK = {"thick slices": np.diag([1.0, 1.0, 3.0])}
DARK, BRIGHT = np.array([-30.0, 20.0, 12.0]), np.array([32.0, -25.0, 9.0])  # left in front, right behind
RADII = {"dark": 20.0, "bright": 18.0}  # mm: 33.5 and 24.4 ml
ML = {name: 4 / 3 * np.pi * r**3 / 1000 for name, r in RADII.items()}
MIDDLE = 0.4  # the grey of the rest of the brain, half way between the two lumps


class Flat(nn.Module):
    """Believes that every brain is grey all over."""

    def __init__(self, level: float = MIDDLE, size: int = 64) -> None:
        super().__init__()
        self.level, self.config = level, bl.ModelConfig(image_size=size)

    def reconstruct(self, x, condition=None):
        return torch.full_like(x, self.level)


def lumpy(axes: np.ndarray, lumps: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """A grey brain with a dark and a bright ball in it; (data, affine). Scaled, grey is 0.4, dark 0 and bright 0.8."""
    shape = np.ceil(np.abs(np.linalg.inv(axes)) @ [170, 200, 160]).astype(int) + 1
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, CENTRE - axes @ ((shape - 1) / 2)
    world = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1) @ axes.T + affine[:3, 3]
    data = np.where((((world - CENTRE) / HALF) ** 2).sum(-1) < 1, 100, 0).astype(np.float32)
    for centre, radius, value in ((DARK, RADII["dark"], 80), (BRIGHT, RADII["bright"], 120)):
        ball = ((world - centre) ** 2).sum(-1) < radius**2
        data[ball] = value if lumps else np.where(world[ball][:, 0] > centre[0], value, 100)
    return data, affine


@pytest.fixture(params=GRIDS | THICK)
def volume(request, tmp_path) -> volumes.Volume:
    return volumes.read(saved(tmp_path / "case07_flair.nii.gz", *lumpy((GRIDS | THICK)[request.param])))


@pytest.fixture
def plain(tmp_path) -> volumes.Volume:
    return volumes.read(saved(tmp_path / "case07_flair.nii.gz", *lumpy(GRIDS["RAS"])))


def healthy(n: int = 40, size: int = 64, contrast: str | None = "FLAIR") -> Slices:
    brain = torch.zeros(n, 1, size, size, dtype=torch.bool)
    brain[..., 8:-8, 8:-8] = True
    images = torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(0)) * brain
    return Slices(
        images=images,
        masks=torch.zeros_like(brain),
        brain=brain,
        subjects=("a",) * n,
        labels=("healthy",) * n,
        position_mm=np.arange(n, dtype=float),
        visit=("healthy",) * n,
        affine=np.stack([geometry.slice_affine(size, (0, 0, z)) for z in range(n)]),
        contrast=contrast,
        spacing=geometry.pixel_mm(size),
        about=About("made up", "", "", synthetic=True),
    )


def test_lumps_are_found_where_they_are_and_as_large_on_every_grid(volume):
    found = wholebrain.scan(volume, Flat(), threshold=MIDDLE / 2)
    assert len(found.findings) == 2
    for one, centre, ml in zip(found.findings, (DARK, BRIGHT), ML.values(), strict=True):
        np.testing.assert_allclose(one.centroid_mm, centre, atol=1.5)  # half a voxel of most of the grids
        assert one.volume_ml == pytest.approx(ml, rel=0.15)
        assert one.peak == pytest.approx(MIDDLE, abs=0.01)
        assert np.linalg.norm(np.subtract(one.peak_mm, centre)) < RADII["dark"]


def test_map_and_labels_lie_in_the_files_own_voxels(volume, tmp_path):
    found = wholebrain.scan(volume, Flat(), threshold=MIDDLE / 2)
    assert found.map.dtype == np.float32
    assert found.map.shape == found.labels.shape == load(volume.path).shape
    assert np.isfinite(found.map).all()
    written = load(volumes.save(tmp_path / "map.nii.gz", found.labels == 2, volume))
    voxels = np.argwhere(np.asarray(written.dataobj))
    centre = voxels.mean(axis=0) @ written.affine[:3, :3].T + written.affine[:3, 3]
    np.testing.assert_allclose(centre, BRIGHT, atol=1.5)
    assert found.map[found.labels > 0].min() > found.threshold
    assert not found.map[np.asarray(load(volume.path).dataobj) == 0].any()  # nothing is found outside the brain
    voxel_ml = abs(np.linalg.det(written.affine[:3, :3])) / 1000
    assert found.findings[1].volume_ml == pytest.approx(len(voxels) * voxel_ml, rel=1e-4)


def test_a_scan_that_was_resampled_gives_its_findings_in_the_files_voxels_all_the_same(tmp_path):
    volume = volumes.read(saved(tmp_path / "case07_flair.nii.gz", *lumpy(THICK["thick slices"])))
    data = ndimage.zoom(volume.data, (1, 1, 2), order=0, grid_mode=True, mode="nearest")  # each slice twice
    affine = volume.affine @ np.diag([1, 1, 0.5, 1])
    affine[:3, 3] -= volume.affine[:3, 2] / 4
    finer = wholebrain.scan(replace(volume, data=data, affine=affine), Flat(), threshold=0.2)
    plain = wholebrain.scan(volume, Flat(), threshold=0.2)
    assert finer.map.shape == finer.labels.shape == volume.original.shape
    for one, same in zip(finer.findings, plain.findings, strict=True):
        assert one.volume_ml == pytest.approx(same.volume_ml, rel=0.05)
        assert np.allclose(one.centroid_mm, same.centroid_mm, atol=1)


def test_the_map_is_what_the_two_dimensional_steps_give_however_many_slices_go_at_once(plain):
    found = wholebrain.scan(plain, Flat(), threshold=0.2, spacing_mm=1)
    assert len(found.slices) > 3 * wholebrain.BATCH
    cut = found.slices
    maps = anomaly.clean(anomaly.anomaly_map(Flat(), cut.images, cut.brain), cut.brain)
    np.testing.assert_array_equal(found.map, volumes.to_volume(maps, cut, plain) * volumes.brain_mask(plain))


def test_a_volume_and_a_model_are_left_as_they_were(plain):
    before, model = plain.data.copy(), bl.Autoencoder(bl.ModelConfig(latent_dim=4)).train()
    wholebrain.scan(plain, model, threshold=0.2, spacing_mm=10)
    np.testing.assert_array_equal(plain.data, before)
    assert model.training


@pytest.mark.parametrize(("grid", "step"), [("RAS", 3), ("LPI", 3), ("SAR, permuted", 3), ("thick slices", 3)])
def test_by_default_every_voxel_level_of_the_brain_is_seen(grid, step, tmp_path):
    volume = volumes.read(saved(tmp_path / "a.nii.gz", *lumpy((GRIDS | THICK)[grid])))
    found = wholebrain.scan(volume, Flat(), threshold=0.2)
    there = np.flatnonzero(volumes.brain_mask(volume).any(axis=(0, 1))) * volume.affine[2, 2] + volume.affine[2, 3]
    np.testing.assert_allclose(found.slices.position_mm, there, atol=1e-6)
    np.testing.assert_allclose(np.diff(found.slices.position_mm), step)


def test_a_finer_or_coarser_step_and_a_part_of_the_height_are_kept_to(plain):
    low, high = geometry.bounding_box(volumes.brain_mask(plain), plain.affine)[:, 2]
    for step in (1, 2.5, 7):
        heights = wholebrain.scan(plain, Flat(), threshold=0.2, spacing_mm=step).slices.position_mm
        assert heights[[0, -1]].tolist() == [low, high]
        assert 0.8 * step < np.diff(heights).max() <= step + 1e-9
    part = wholebrain.scan(plain, Flat(), threshold=0.2, span=geometry.AXIAL_SPAN)
    assert part.slices.position_mm[[0, -1]] == pytest.approx(part.learnt_mm)
    covered = np.flatnonzero(part.map.any(axis=(0, 1))) * 3 + plain.affine[2, 3]
    assert covered.min() >= low + 0.25 * (high - low) - 1.5
    assert covered.max() <= low + 0.85 * (high - low) + 1.5


def test_pieces_that_touch_at_a_corner_are_one_and_its_numbers_are_right():
    scores = np.zeros((6, 6, 6), dtype=np.float32)
    scores[1, 1, 1], scores[2, 2, 2], scores[2, 2, 3] = 0.6, 0.9, 0.7  # joined by a corner and a face
    scores[5, 5, 5] = 0.8  # alone
    scores[0, 4, 0] = 0.5  # not above the threshold
    affine = np.array([[-2.0, 0, 0, 10], [0, 0, 3, 0], [0, 1, 0, -5], [0, 0, 0, 1]])  # x falls, y and z change places
    labels, findings, dropped = wholebrain.components(scores, affine, 0.5)
    assert len(findings) == 2
    assert dropped == 0
    first, second = findings
    assert first.volume_ml == pytest.approx(3 * 6 / 1000)  # three voxels of 2 x 3 x 1 mm
    assert (first.peak, first.peak_mm) == (pytest.approx(0.9), (10 - 4, 6, -3))  # voxel (2, 2, 2)
    assert first.centroid_mm == pytest.approx((10 - 2 * 5 / 3, 3 * 2, -5 + 5 / 3))  # mean voxel (5/3, 5/3, 2)
    assert (second.volume_ml, second.peak_mm) == (pytest.approx(0.006), (0, 15, 0))
    assert labels[[1, 2, 2], [1, 2, 2], [1, 2, 3]].tolist() == [1, 1, 1]
    assert labels[5, 5, 5] == 2
    assert (labels > 0).sum() == 4


def test_the_centroid_does_not_lean_to_where_the_scores_are_high():
    scores = np.zeros((4, 3, 3), dtype=np.float32)
    scores[:3, 1, 1] = 0.1, 0.1, 1.0
    ((finding,),) = [wholebrain.components(scores, np.eye(4), 0.05)[1]]
    assert finding.centroid_mm == (1, 1, 1)
    assert finding.peak_mm == (2, 1, 1)


def test_small_pieces_are_dropped_and_counted_and_the_rest_is_numbered_by_size():
    scores = np.zeros((20, 3, 3), dtype=np.float32)
    for start, length in ((0, 1), (2, 3), (6, 2), (9, 5), (15, 2)):
        scores[start : start + length, 1, 1] = 0.5
    labels, findings, dropped = wholebrain.components(scores, np.diag([10.0, 10, 10, 1]), 0.1, min_ml=2.0)
    assert [one.volume_ml for one in findings] == pytest.approx([5, 3, 2, 2])
    assert dropped == 1
    assert labels[:, 1, 1].tolist() == [0, 0, 2, 2, 2, 0, 3, 3, 0, 1, 1, 1, 1, 1, 0, 4, 4, 0, 0, 0]


def test_nothing_above_the_threshold_is_no_finding(plain):
    found = wholebrain.scan(plain, Flat(), threshold=0.9)
    assert found.findings == ()
    assert not found.labels.any()
    assert found.dropped == 0


def test_the_threshold_of_healthy_slices_is_the_one_of_their_cleaned_maps(plain):
    people, model = healthy(), Flat()
    found = wholebrain.scan(plain, model, healthy=people, fpr=0.05)
    maps = anomaly.clean(anomaly.anomaly_map(model, people.images, people.brain), people.brain)
    assert found.threshold == anomaly.threshold_at_fpr(maps, people.brain, 0.05)
    assert found.fpr == 0.05
    assert 0 < (maps[people.brain] > found.threshold).float().mean() <= 0.05


def test_another_contrast_than_the_healthy_slices_is_warned_of(plain):
    with pytest.warns(UserWarning, match="scan is FLAIR, and the healthy slices are T1w"):
        wholebrain.scan(plain, Flat(), healthy=healthy(contrast="T1w"), spacing_mm=10)
    with warnings.catch_warnings(action="error"):
        wholebrain.scan(plain, Flat(), healthy=healthy(), spacing_mm=10)
        wholebrain.scan(plain, Flat(), healthy=healthy(contrast=None), spacing_mm=10)


SICK = replace(healthy(4), masks=healthy(4).brain)
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no threshold": ({}, "Give either threshold="),
    "two thresholds": ({"threshold": 0.1, "healthy": healthy(4)}, "Give either threshold="),
    "NaN": ({"threshold": np.nan}, "threshold is a score of 0 or more"),
    "negative": ({"threshold": -0.1}, "threshold is a score of 0 or more"),
    "infinite": ({"threshold": np.inf}, "threshold is a score of 0 or more"),
    "lesions": ({"healthy": SICK}, "some here have lesions"),
    "nobody": ({"healthy": healthy(4)[:0]}, "there are none"),
    "another size": ({"healthy": healthy(4, 32)}, "load data with size=64"),
    "a rate of 5": ({"healthy": healthy(4), "fpr": 5}, "share between 0 and 1"),
    "no step": ({"threshold": 0.1, "spacing_mm": 0}, "spacing_mm is a step"),
    "a NaN step": ({"threshold": 0.1, "spacing_mm": np.nan}, "spacing_mm is a step"),
    "a span upside down": ({"threshold": 0.1, "span": (0.8, 0.2)}, "span is a part"),
    "a span beyond the brain": ({"threshold": 0.1, "span": (0, 1.2)}, "span is a part"),
    "a negative volume": ({"threshold": 0.1, "min_ml": -1}, "min_ml is a volume"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_used_is_refused_in_a_sentence(plain, case):
    settings, says = WRONG[case]
    with pytest.raises(InputError, match=says):
        wholebrain.scan(plain, Flat(), **settings)


def test_a_volume_without_a_brain_is_refused_in_a_sentence(plain):
    for data, says in [
        (np.zeros_like(plain.data), "blank"),
        (np.random.default_rng(0).random(plain.data.shape, np.float32), "whole head"),
        (np.where(plain.data > 0, 100, 0).astype(np.float32), "constant"),
        (np.where(plain.data == 120, np.nan, plain.data), "NaN"),
        (np.where(plain.data == 0, np.inf, plain.data), "NaN or infinite"),
    ]:
        with pytest.raises(InputError, match=says):
            wholebrain.scan(replace(plain, data=data), Flat(), threshold=0.2)


def test_a_model_that_cannot_say_what_it_expects_is_refused_in_a_sentence(plain):
    with pytest.raises(InputError, match="A Identity has no ModelConfig"):
        wholebrain.scan(plain, nn.Identity(), threshold=0.2)
    with pytest.raises(InputError, match="cannot reconstruct"):
        wholebrain.scan(plain, bl.Classifier(bl.ModelConfig()), threshold=0.2, spacing_mm=10)
    with pytest.raises(InputError, match="NaN or infinite scores"):
        wholebrain.scan(plain, Flat(level=np.nan), threshold=0.2, spacing_mm=10)


def test_the_table_says_what_was_found_and_what_it_is_worth(plain):
    found = wholebrain.scan(plain, Flat(), threshold=0.2)
    lines = wholebrain.table(found).splitlines()
    assert lines[0] == "| finding | volume (ml) | peak score | centroid (mm) | peak at (mm) |"
    dark, bright = found.findings
    exact = [dark._replace(centroid_mm=(-30.2, 20.4, 11.6)), bright._replace(centroid_mm=(31.8, -25.3, -8.7))]
    assert lines[2].startswith(f"| 1 | {dark.volume_ml:.2f} | 0.40 | L ")
    lines = wholebrain.table(replace(found, findings=tuple(exact))).splitlines()
    assert lines[2].startswith(f"| 1 | {dark.volume_ml:.2f} | 0.40 | L 30, A 20, S 12 |")
    assert lines[3].startswith(f"| 2 | {bright.volume_ml:.2f} | 0.40 | R 32, P 25, I 9 |")
    assert "Score above 0.200." in lines[-1]
    assert "not for diagnosis" in lines[-1]
    assert f"And 1 smaller, {bright.volume_ml:.2f} ml together." in wholebrain.table(found, n=1)
    assert "which at most 1 % of the healthy" in wholebrain.table(replace(found, fpr=0.01))
    assert "; 7 smaller than 0.1 ml are left out" in wholebrain.table(replace(found, dropped=7))
    assert wholebrain.table(replace(found, findings=())).startswith("Nothing lies above the threshold")


def test_findings_above_or_below_what_models_learn_from_bear_a_star(plain):
    found = wholebrain.scan(plain, Flat(), threshold=0.2)
    assert "*" not in wholebrain.table(found)
    low = replace(found, learnt_mm=(10.5, 60.0))  # the bright lump's middle lies at 9 mm
    assert [low.strange(one) for one in low.findings] == [False, True]
    assert "| 2* |" in wholebrain.table(low)
    assert "| 1 |" in wholebrain.table(low)
    assert wholebrain.STRANGE in wholebrain.table(low)


def pictures(figure) -> list:
    return [axis for axis in figure.axes if axis.images]


def outline(axis) -> np.ndarray:
    """Corners (n, 2) of what is outlined, as (column, row)."""
    return np.concatenate([path.vertices for one in axis.collections for path in one.get_paths()])


def test_the_figure_shows_lumps_round_and_in_their_places_on_every_grid(volume):
    figure = wholebrain.figure(wholebrain.scan(volume, Flat(), threshold=0.2), n=1)
    scan, _, outlined = pictures(figure)
    drawn = outline(outlined)
    dark = drawn[drawn[:, 0] > 104]
    np.testing.assert_allclose(np.ptp(dark, axis=0), 2 * RADII["dark"], rtol=0.2)  # 1 mm a pixel either way
    assert np.ptp(dark, axis=0)[0] == pytest.approx(np.ptp(dark, axis=0)[1], abs=4)
    column, row = dark.min(axis=0) + np.ptp(dark, axis=0) / 2
    np.testing.assert_allclose([column, row], 103.5 - (DARK - CENTRE)[:2], atol=3)  # left on the right, anterior on top
    assert scan.get_xlim()[0] < scan.get_xlim()[1]
    assert scan.get_ylim()[0] > scan.get_ylim()[1]
    letters = {text.get_text(): text.get_position() for text in scan.texts}
    assert letters["R"][0] < 0.5 < letters["L"][0]
    assert letters["P"][1] < 0.5 < letters["A"][1]


def test_the_figure_has_a_row_a_level_and_words_for_who_cannot_see_it(plain):
    found = wholebrain.scan(plain, Flat(), threshold=0.2)
    figure = wholebrain.figure(found)
    assert len(pictures(figure)) == 3  # both lumps show well in one level
    titles = [axis.get_title(loc="left") for axis in pictures(figure)]
    assert titles[0] == f"z = {round(found.findings[0].centroid_mm[2])} mm"
    assert titles[2] == ", ".join(f"{k}: {one.volume_ml:.1f} ml" for k, one in enumerate(found.findings, start=1))
    assert "2 findings, here 1 of" in figure.alt
    assert re.search(r"at L \d+, A \d+, S \d+ mm; 2 of", figure.alt)
    colours = pictures(figure)[1].images[1]
    score, solid = np.asarray(colours.get_array()), np.asarray(colours.get_alpha()) == 1
    np.testing.assert_array_equal(solid, score >= found.threshold)
    assert (solid.any(), solid.all()) == (True, False)
    supxlabel: Any = figure
    words = supxlabel._supxlabel.get_text()
    assert "left (L) is on the right" in words
    assert "not for diagnosis" in words
    (label,) = [one.get_xlabel() for axis in figure.axes for one in axis.child_axes]
    assert "brightness of 0 to 1" in label


def test_a_finding_that_no_earlier_row_shows_has_a_row_of_its_own(plain):
    found = wholebrain.scan(plain, Flat(), threshold=0.2)
    labels, scores = np.zeros_like(found.labels), found.map * 0
    for k, z in ((1, 15), (2, 25), (3, 35)):  # three lumps above each other
        labels[25:30, 25:30, z : z + 3], scores[25:30, 25:30, z : z + 3] = k, 0.5
    findings = tuple(
        wholebrain.Finding(1.0, 0.5, (0.0, 0.0, 0.0), (0.0, 0.0, 3 * (z + 1) + plain.affine[2, 3]))
        for z in (15, 25, 35)
    )
    three = replace(found, labels=labels, map=scores, findings=findings)
    assert len(pictures(wholebrain.figure(three))) == 9
    assert len(pictures(wholebrain.figure(three, n=2))) == 6


def test_without_findings_the_figure_shows_even_levels(plain):
    found = wholebrain.scan(plain, Flat(), threshold=0.9)
    figure = wholebrain.figure(found, n=3)
    axes = pictures(figure)
    assert len(axes) == 9
    assert axes[2].get_title(loc="left") == "no finding"
    assert not axes[2].collections
    assert "Nothing found" in figure.alt
    heights = [float(axis.get_title(loc="left")[4:-3].replace("−", "-")) for axis in axes[::3]]
    np.testing.assert_allclose(heights, np.linspace(*found.learnt_mm, 3), atol=0.5)


def test_no_window_is_opened_and_impossible_numbers_of_rows_are_refused(plain):
    found = wholebrain.scan(plain, Flat(), threshold=0.2, spacing_mm=10)
    for n in (0, 21, 2.5):
        with pytest.raises(InputError, match="whole number of rows"):
            wholebrain.figure(found, n=n)  # type: ignore[arg-type]
    wholebrain.figure(found)
    if "matplotlib.pyplot" in sys.modules:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.realdata
def test_a_real_scan_goes_the_whole_way(real_data, tmp_path):
    volume = volumes.read(real_data / "ms_lesions_mni" / "patient26" / "FLAIR.nii.gz")
    found = wholebrain.scan(volume, checkpoints.load("dae-flair"), threshold=0.1)
    assert found.slices.contrast == "FLAIR"
    assert found.map.shape == volume.data.shape
    assert np.isfinite(found.map).all()
    assert found.map.min() == 0 < found.map.max() < 1
    assert len(found.findings) > 1
    stored = load(volume.path).affine
    to_turned = np.linalg.inv(volume.affine) @ stored  # from the file's voxels to those of volume.data
    voxels = np.argwhere(found.labels) @ to_turned[:3, :3].T + to_turned[:3, 3]
    assert volumes.brain_mask(volume)[tuple(voxels.round().astype(int).T)].all()
    for one in found.findings:
        voxel = np.linalg.solve(stored, [*one.peak_mm, 1])[:3].round().astype(int)
        assert found.map[tuple(voxel)] == pytest.approx(one.peak)
    np.testing.assert_allclose(load(volumes.save(tmp_path / "map.nii.gz", found.map, volume)).get_fdata(), found.map)
    assert wholebrain.figure(found).alt.startswith("Axial slices")
