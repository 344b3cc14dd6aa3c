"""Whose a picture is: folders of contrasts, visits and classes are nobody's, and a table must say all or nothing."""

import warnings

import pytest
from test_images_source import write
from test_untold import put, told, touch

from brainlab import InputError, data
from brainlab.sources import images, untold


@pytest.mark.filterwarnings("error")
def test_folders_of_visits_are_one_persons(tmp_path):
    touch(tmp_path, *(f"P01/{one}/{k}.png" for one in ("visit1", "visit2") for k in (1, 2)), "P02_visit2/1.png")
    touch(tmp_path, "002_S_0295/2006-04-18/1.png", "x/OAS1_0061_MR2_mpr_3.png", "sub-07/ses-1/1.png")
    assert {one for (one,) in told(tmp_path, "subject")} == {"P01", "P02", "002_S_0295", "OAS1_0061", "sub-07"}


@pytest.mark.filterwarnings("error")
def test_one_of_several_contrasts_must_be_asked_for_and_comes_with_its_masks(tmp_path):
    for one in ("P01", "P02"):
        put(tmp_path, *(f"{one}/{contrast}/1.png" for contrast in ("T1", "FLAIR")))
    touch(tmp_path, "P01/masks/1.png", "P02/T1/masks/1.png")
    with pytest.raises(InputError, match=r'several contrasts, FLAIR \(2\), T1w \(2\); name one, as contrast="FLAIR"'):
        untold.rows(tmp_path)
    found = [(row["file"], row["subject"], row["mask"]) for row in untold.rows(tmp_path, "FLAIR")]
    assert found == [("P01/FLAIR/1.png", "P01", "P01/masks/1.png"), ("P02/FLAIR/1.png", "P02", "")]
    (tmp_path / "P01/masks/1.png").unlink()
    assert images.load_untold(tmp_path, 16, "FLAIR").subjects == ("P01", "P02")


def test_stages_of_dementia_are_classes_and_nobodys_folder(tmp_path):
    names = ("NonDemented", "MildDemented", "VeryMildDemented", "ModerateDemented", "very_mild", "AD", "MCI", "CN")
    touch(tmp_path, *(f"train/{one}/{k}.png" for one in names for k in range(4)))
    with pytest.warns(UserWarning, match="neighbours by name") as given:
        rows = untold.rows(tmp_path)
    assert len(given) == 1
    assert {row["file"].split("/")[1] for row in rows if row["class"] == "healthy"} == {"NonDemented", "CN"}
    assert {row["class"] for row in rows} > {"milddemented", "very_mild", "mci"}
    assert len({row["subject"] for row in rows}) == 2 * len(names)  # groups of two of four


def test_folders_that_may_be_classes_are_not_taken_for_people(tmp_path):
    touch(tmp_path, *(f"{one}/{k}.png" for one in ("Frontal", "Lewy", "grade 2") for k in range(6)))
    with pytest.warns(UserWarning, match="may be people or classes, nobody can tell which: Frontal, Lewy, grade 2"):
        rows = untold.rows(tmp_path)
    assert len({row["subject"] for row in rows}) == 9
    assert {row["class"] for row in rows} == {""}


def test_a_slices_number_is_nobody(tmp_path):
    touch(tmp_path, *(f"slice_{k:02d}_patient_{who}.png" for k in range(3) for who in range(2)))
    with pytest.warns(UserWarning, match="taken to be of patient_0; that is a guess"):
        assert {one for (one,) in told(tmp_path, "subject")} == {"patient_0", "patient_1"}


def test_a_slices_number_before_another_number_tells_nothing(tmp_path):
    touch(tmp_path, *(f"z{k:02d}_{who}.png" for k in range(3) for who in range(2)))
    with pytest.warns(UserWarning, match="does not say which pictures are of one person"):
        assert {one for (one,) in told(tmp_path, "subject")} == {"block-00", "block-01", "block-02"}


def test_pictures_not_fetched_are_told_so_and_linked_folders_read(tmp_path):
    put(tmp_path / "store", "p1/1.png")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "p1").symlink_to(tmp_path / "store/p1")
    assert told(mine, "file", "subject") == [("p1/1.png", "p1")]
    (mine / "2.png").symlink_to("nowhere")
    with warnings.catch_warnings(action="ignore"), pytest.raises(InputError, match="not fetched: datalad get"):
        data.load(mine)


def rows_of(*subjects):
    return [{"file": f"{k}.png", "subject": one} for k, one in enumerate(subjects)]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (rows_of("a", "a", ""), r"line 4, has no subject, and others have"),
        ([*rows_of("a", "b"), {"file": "./0.png", "subject": "b"}], r"line 4, names ./0.png again, as line 2 does"),
    ],
)
def test_a_table_with_gaps_or_a_picture_twice_is_refused(tmp_path, rows, says):
    write(tmp_path, rows)
    with pytest.raises(InputError, match=says):
        images.load(tmp_path)


def test_pages_of_one_file_are_not_the_same_picture(tmp_path):
    write(tmp_path, [{"file": "a.tif", "subject": "a", "page": page} for page in (0, 1)])
    assert len(images._index(tmp_path)) == 2
    write(tmp_path, [{"file": "a.tif", "subject": "a", "page": page} for page in ("", 0)])
    with pytest.raises(InputError, match=r"line 3, names a.tif again"):
        images._index(tmp_path)


@pytest.mark.parametrize("parted", [",", ";", "\t"])
def test_a_table_from_a_spreadsheet_is_read_with_its_words_for_health(tmp_path, parted):
    put(tmp_path, "a.png", "b.png", "c,1.png")
    rows = [("File", "Class", " SUBJECT"), ("a.png", "Normal", "1"), ("b.png", "Tumor", "2"), ('"c,1.png"', "no", "3")]
    (tmp_path / "index.csv").write_text("".join(parted.join(row) + "\r\n" for row in rows), "utf-8-sig")
    cut = images.load(tmp_path, 16)
    assert (cut.labels, cut.subjects) == (("healthy", "Tumor", "healthy"), ("1", "2", "3"))


def test_of_pictures_in_several_contrasts_the_one_asked_for_is_loaded(tmp_path):
    for one in ("P01", "P02"):
        put(tmp_path, *(f"{one}/{contrast}/1.png" for contrast in ("T1", "FLAIR")))
    found = data.load(tmp_path, contrast="FLAIR", size=16)
    assert found.contrast == "FLAIR"
    assert found.subjects == ("P01", "P02")
