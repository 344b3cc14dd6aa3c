"""The usual way: what is needed is done, what is done is not done again, and each step can be looked at."""

import re
import subprocess
import sys
from itertools import pairwise

import nibabel as nib
import numpy as np
import pytest
from made_up import GRIDS, MARKER, made_up, saved
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from brainlab import InputError, geometry, phantoms, preprocessing, volumes
from brainlab.preprocessing import picture


@pytest.fixture(scope="module")
def shaded(tmp_path_factory) -> volumes.Volume:
    """A phantom with strong shading, stored PIL in uneven voxels, in a scanner's units."""
    subject = phantoms.subject(11, spacing_mm=3.0, bias=0.3, noise=0.015)
    data = np.round(800 * phantoms.render(subject).numpy())

    image = nib.Nifti1Image(data[:, :, ::2], subject.affine @ np.diag([1, 1, 2, 1]))
    turned = image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt("PIL")))  # type: ignore[arg-type]
    path = tmp_path_factory.mktemp("scan") / "case07_T1w.nii.gz"
    nib.save(turned, path)
    return volumes.read(path)


@pytest.fixture(scope="module")
def way(shaded) -> list[preprocessing.Step]:
    return preprocessing.steps(shaded, mm=3.0)


def test_what_is_needed_is_done_in_order_and_each_step_takes_up_the_last(way):
    assert [one.name for one in way] == ["Turn", "Resample", "Strip the skull", "Correct shading", "Normalise"]
    assert [one.changed for one in way] == [True, True, False, True, True]
    assert all(later.before is earlier.after for earlier, later in pairwise(way))
    assert "PIL" in way[0].says
    assert "3 × 3 × 6 mm, now cubes of 3 mm" in way[1].says


def test_the_outcome_can_go_to_a_model_and_back_into_the_file(way, shaded, tmp_path):
    out = way[-1].after
    slices = volumes.slices(out)
    assert slices.images.shape == (16, 1, 64, 64)
    assert slices.subjects[0] == "case07"
    back = volumes.to_volume(slices.images, slices, out)
    assert volumes.save(tmp_path / "map.nii.gz", back, shaded).exists()


def test_a_scan_that_is_prepared_goes_through_with_nothing_to_do(way, tmp_path):
    out = way[-1].after
    again = volumes.read(saved(tmp_path / "case07_T1w.nii.gz", out.data, out.affine))
    second = preprocessing.steps(again, mm=3.0)
    assert [one.says for one in second if one.changed] == []
    assert all("nothing to do" in one.says for one in second)
    assert (second[-1].after.data == again.data).all()


def test_shading_is_not_looked_for_once_the_scanners_zero_is_gone(tmp_path):
    """A phantom comes normalised, and has no shading here; a field found in it would be an artefact of its new zero."""
    subject = phantoms.subject(3, spacing_mm=4.0, bias=0.0)
    data = phantoms.render(subject, "T2w").numpy()
    scan = volumes.read(saved(tmp_path / "case07_T2w.nii.gz", data, subject.affine))
    assert preprocessing.shading(preprocessing.bias_field(scan, volumes.brain_mask(scan)), scan.data > 0) > 0.1
    third = preprocessing.steps(scan, mm=4.0)[3]
    assert "nothing to do" in third.says
    assert "zero" in third.says


def test_the_scan_that_was_given_is_left_as_it_was(shaded, way):
    assert (shaded.data == volumes.read(shaded.path).data).all()


def test_every_step_has_a_picture_with_words(way):
    for one in way:
        drawn = one.figure()
        assert one.name in drawn.alt
        assert "before (above) and after" in drawn.alt
        assert "axial, z = " in drawn.alt


def letters(axis) -> list[str]:
    return [text.get_text() for text in axis.texts]


def test_before_and_after_are_drawn_in_one_window_with_the_sides_marked(way):
    drawn = way[3].figure()
    before, after = drawn.axes[0], drawn.axes[3]
    assert before.images[0].get_clim() == after.images[0].get_clim()
    assert letters(before) == ["A", "P", "R", "L"]
    assert letters(drawn.axes[1]) == ["S", "I", "R", "L"]
    assert letters(drawn.axes[2]) == ["S", "I", "A", "P"]
    assert "histograms" in drawn.alt


def test_what_ignores_the_header_is_drawn_with_doubtful_sides(way):
    drawn = way[0].figure()
    assert letters(drawn.axes[0]) == ["A?", "P?", "R?", "L?"]
    assert letters(drawn.axes[3]) == ["A", "P", "R", "L"]


def test_other_units_are_drawn_each_in_a_window_of_its_own_that_is_told(way):
    drawn = way[4].figure()
    assert re.match(r"before\nwindow 0 to [\d.e+]+", drawn.axes[0].get_ylabel())
    assert drawn.axes[3].images[0].get_clim()[1] < 1 < drawn.axes[0].images[0].get_clim()[1]


def test_the_patients_left_is_on_the_right_and_up_is_up(tmp_path):
    """The marker, left, in front and above, in every plane of a view that is wider than the kit's own."""
    data, affine = made_up(GRIDS["PIR, uneven voxels"])
    scan = volumes.read(saved(tmp_path / "a.nii.gz", data, affine))
    half = np.array([150.0, 150.0, 150.0])
    for plane, (rows, columns, through) in geometry.PLANES.items():
        image = picture.view(scan, plane, MARKER[through], np.zeros(3), half)
        row, column = np.argwhere(image > 200).mean(axis=0)
        pixel = 300 / picture.PX
        assert (image.shape[0] - 1) / 2 - row == pytest.approx(MARKER[rows] / pixel, abs=2.5)
        assert (image.shape[1] - 1) / 2 - column == pytest.approx(MARKER[columns] / pixel, abs=2.5)


def test_levels_are_drawn_where_models_look(shaded):
    drawn = preprocessing.levels(shaded, n=5)
    assert all(len(axis.collections[0].get_paths()) == 5 for axis in drawn.axes)
    assert "5 axial slices from z = " in drawn.alt
    two = preprocessing.levels(shaded, [0.0, 10.0])
    lines = [float(np.array(path.vertices)[0, 1]) for path in two.axes[0].collections[0].get_paths()]
    assert lines[1] - lines[0] == pytest.approx(10)
    with pytest.raises(InputError, match="heights in the brain"):
        preprocessing.levels(shaded, [500])


def test_a_row_that_is_not_known_is_told_so(shaded):
    with pytest.raises(InputError, match="show is of difference, histogram; got movie"):
        preprocessing.figure(shaded, shaded, show=("movie",))


def test_the_optional_libraries_are_not_loaded_before_they_are_needed():
    code = "import brainlab.preprocessing, sys; print({'SimpleITK', 'deepbet', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
