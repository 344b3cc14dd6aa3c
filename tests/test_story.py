"""The patient and the table that run through the course."""

import pytest
import torch

from brainlab import anomaly, data, lessons
from brainlab.errors import InputError
from brainlab.lessons import journal
from brainlab.sources import images


@pytest.fixture(autouse=True)
def own_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "answers.jsonl"))


@pytest.fixture(scope="module")
def dev(people):
    return data.with_lesions(images.load(people)[:6])  # three made-up people of two slices


def test_the_patient_is_the_first_persons_largest_cut_through_a_dark_tumour(dev):
    patient = lessons.patient(dev)
    ill = dev.where(visit="tumour-hypo")
    first = min(ill.subjects)
    assert (len(patient), patient.subjects, patient.visit) == (1, (first,), ("tumour-hypo",))
    assert patient.masks.sum() == ill.where(subjects=first).masks.flatten(1).sum(1).max() > 0


def test_the_truth_itself_finds_every_tumour_and_its_opposite_none(dev):
    inside = dev.masks & (anomaly.erode(dev.brain) > 0)
    found = lessons.tumours(lambda s: s.masks.float(), dev)
    missed = lessons.tumours(lambda s: 1 - s.masks.float(), dev)
    assert set(found) == {"dark", "iso", "bright"}
    assert inside.any()
    assert all(found[level] > 0.6 and missed[level] < 0.1 for level in found)  # a median and the rim cost some


def test_maps_outside_the_brain_do_not_count(dev):
    inside = lessons.tumours(lambda s: s.masks.float(), dev)
    assert lessons.tumours(lambda s: torch.where(s.brain, s.masks.float(), 9.0), dev) == inside


def test_a_new_run_takes_the_place_of_the_last_and_rows_stand_in_the_order_of_lessons():
    lessons.keep_row("03", "VAE", psnr=20, dark=0.1)
    lessons.keep_row("02", "autoencoder", psnr=22.04)
    shown = lessons.keep_row("03", "VAE", psnr=21)
    assert [(one.lesson, one.model, one.numbers) for one in shown.lines] == [
        ("02", "autoencoder", {"psnr": 22.04}),
        ("03", "VAE", {"psnr": 21.0}),
    ]
    assert shown.lines == lessons.table().lines
    assert "22.0" in repr(shown)
    assert "<td style='text-align:right;padding:.2em .8em'>–</td>" in shown._repr_html_()


def test_a_row_that_cannot_be_kept_is_shown_and_says_so(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "file" / "answers.jsonl"))
    shown = lessons.keep_row("04", "GAN", frechet=30)
    assert [one.model for one in shown.lines] == ["GAN"]
    assert "could not be saved" in shown._repr_html_()
    assert "could not be saved" in repr(shown)


def test_rows_of_another_hand_are_passed_over_not_stumbled_on():
    journal.write("row", "05.x", numbers="none")
    journal.write("row", "05.y", lesson="05", model="<b>", numbers={"psnr": 20.0})
    assert "&lt;b&gt;" in lessons.table()._repr_html_()
    assert len(lessons.table().lines) == 1


def test_a_table_without_a_row_says_where_rows_come_from():
    assert repr(lessons.table()).startswith("No row yet: lessons 01 to 05")
    assert lessons.table()._repr_html_().startswith("<p>No row yet")


def test_an_unknown_column_is_refused():
    with pytest.raises(InputError, match="no column sharpness"):
        lessons.keep_row("05", "VAE-GAN", sharpness=3)
