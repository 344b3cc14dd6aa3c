"""The table of methods: its numbers worked out another way, its rules, and its cohorts of real people."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

import brainlab as bl
from brainlab import InputError, anomaly, benchmark, cli, evaluate, lesioned, metrics, training
from brainlab.benchmark import Cohort, Row, cohorts, keeping, methods, scores
from brainlab.benchmark.measures import QUARTILES, _quarters
from brainlab.benchmark.report import NAMES
from brainlab.slices import joined
from tests.benchmarks import record
from tests.test_scorecard import some_slices
from tests.tiny import tiny


@pytest.fixture(scope="module")
def cohort():
    healthy = some_slices(contrasts=(), seed=1)
    return Cohort("made up", healthy, some_slices(contrasts=(), seed=2), some_slices(), "Made up.")


def truth(slices):
    """A method that knows, but for noise: scores 0.5 to 1 on lesions, 0 to 0.6 elsewhere."""
    noise = torch.rand(slices.images.shape, generator=torch.Generator().manual_seed(len(slices)))
    return torch.where(slices.masks, 0.5 + 0.5 * noise, 0.6 * noise) * slices.brain


@pytest.fixture(scope="module")
def table(cohort):
    return benchmark.rows(cohort, {"brightness": anomaly.brightness, "truth": truth}, draws=20)


def one(rows, method, contrast, metric, size="all"):
    [found] = [r for r in rows if (r.method, r.contrast, r.metric, r.size) == (method, contrast, metric, size)]
    return found


def test_average_precision_is_that_of_the_cleaned_maps_of_a_contrasts_scans(cohort, table):
    sick = cohort.test[np.array([v.endswith("-iso") for v in cohort.test.visit])]
    maps = anomaly.clean(truth(sick), sick.brain)
    assert one(table, "truth", "iso", "ap").value == pytest.approx(
        metrics.average_precision(maps, sick.masks, sick.brain)
    )


def test_chance_is_the_share_of_the_brain_that_is_lesion(cohort, table):
    sick = cohort.test[np.array([v.endswith("-hypo") for v in cohort.test.visit])]
    assert one(table, "chance", "hypo", "ap").value == pytest.approx(metrics.prevalence(sick.masks, sick.brain))


def test_a_threshold_keeps_what_it_promises_on_the_healthy_people_that_it_comes_from(cohort):
    sick = cohort.test[np.array(cohort.test.visit) != "healthy"]
    only = cohort._replace(test=joined([cohort.val, sick]))
    rows = benchmark.rows(only, {"brightness": anomaly.brightness}, draws=0)
    for ending, fpr in benchmark.FPRS.items():
        assert one(rows, "brightness", "healthy", f"fpr_{ending}").value <= fpr
        assert one(rows, "brightness", "healthy", f"fpr_{ending}").value > 0.5 * fpr


def test_dice_is_the_mean_over_people_of_the_mean_over_their_scans_with_a_lesion(cohort, table):
    quiet = anomaly.clean(truth(cohort.val), cohort.val.brain)
    cut = anomaly.threshold_at_fpr(quiet, cohort.val.brain, 0.05)
    test = cohort.test
    people = []
    sick = test[np.array([v.endswith("-hyper") for v in test.visit])]
    maps = anomaly.clean(truth(sick), sick.brain)
    for person in sorted(set(sick.subjects)):
        dices = []
        for visit in ("tumour-hyper", "ms-hyper", "infarct-hyper"):
            i = np.flatnonzero([(s, v) == (person, visit) for s, v in zip(sick.subjects, sick.visit, strict=True)])
            p, m = (maps[i] > cut) & sick.brain[i], sick.masks[i]
            dices.append(2 * float((p & m).sum()) / float(p.sum() + m.sum()))
        people.append(np.mean(dices))
    assert one(table, "truth", "hyper", "dice_5fpr").value == pytest.approx(np.mean(people))


def test_a_method_that_knows_beats_one_that_does_not_in_every_measure(table):
    for metric in ("ap", "auroc", "oracle_dice", "dice_1fpr", "dice_5fpr", "image_auroc_top1"):
        assert one(table, "truth", "hypo", metric).value > one(table, "brightness", "hypo", metric).value


def test_no_dice_at_a_healthy_threshold_exceeds_the_oracles_by_more_than_pooling_can(table):
    for level in ("hypo", "iso", "hyper"):
        assert one(table, "truth", level, "dice_1fpr").value <= one(table, "truth", level, "oracle_dice").value + 0.05


def test_an_image_auroc_compares_slices_of_one_person_and_one_height(cohort):
    """By the height of a slice alone, or by its area, ill and well cannot be told apart: exactly a half."""
    heights = replace(cohort.test, position_mm=np.array([float(i % 5) for i in range(len(cohort.test))]))
    well = replace(cohort.val, position_mm=np.array([float(i % 5) for i in range(len(cohort.val))]))
    rows = benchmark.rows(
        cohort._replace(val=well, test=heights),
        {"height": lambda s: torch.from_numpy(s.position_mm).float().view(-1, 1, 1, 1) * s.brain},
        draws=0,
    )
    for how in ("mean", "max", "top1"):
        assert one(rows, "height", "iso", f"image_auroc_{how}").value == 0.5


def test_without_a_healthy_twin_there_is_no_image_auroc(cohort):
    sick = cohort.test[np.array(cohort.test.visit) != "healthy"]
    rows = benchmark.rows(cohort._replace(test=sick), {"truth": truth}, draws=0)
    assert not [row for row in rows if row.metric.startswith("image_auroc") or row.metric.startswith("fpr")]


def test_a_score_of_one_number_a_slice_is_measured_as_the_same_number_made_of_a_map(cohort, table):
    def highest(slices):
        return anomaly.image_scores(anomaly.clean(truth(slices), slices.brain), slices.brain, "max")

    rows = benchmark.slice_rows(cohort, {"one number": highest}, draws=20)
    assert [(row.method, row.contrast, row.size, row.metric) for row in rows] == [
        ("one number", level, "all", "image_auroc") for level in ("hypo", "iso", "hyper")
    ]
    for row in rows:
        assert row[5:] == one(table, "truth", row.contrast, "image_auroc_max")[5:]
        assert row.value > 0.9, "the slices with a lesion are the higher ones"
    sick = cohort.test[np.array(cohort.test.visit) != "healthy"]
    assert benchmark.slice_rows(cohort._replace(test=sick), {"one number": highest}) == []


def test_a_few_people_are_the_first_of_them_with_all_their_scans(cohort):
    few = cohorts.few(cohort, 3)
    assert set(few.test.subjects) == {"p0", "p1", "p10"}, "in the order of their names"
    assert len(few.test) == len(cohort.test) * 3 // 12
    assert len(few.val) == len(cohort.val)


@pytest.fixture
def small_networks(monkeypatch):
    """The shipped weights' families at 32 px, untrained, and descents of two steps."""
    families = {"vae": bl.VAE, "dae": bl.DenoisingAutoencoder, "vaegan": bl.VAEGAN, "gan": bl.GAN}
    networks = {name: tiny(family).eval() for name, family in families.items()}
    networks["fanogan"] = bl.FAnoGAN.around(networks["gan"]).eval()
    monkeypatch.setattr(scores.checkpoints, "load", networks.get)
    for settings in (scores.RESTORATION, scores.INVERSION):
        monkeypatch.setitem(settings, "steps", 2)
    return networks


def test_each_of_the_other_scores_is_the_one_that_its_row_is_called_after(cohort, small_networks, one_thread):
    few = cohort.test[:6]
    found = {name: score(few) for name, score in scores.pixelwise().items()}
    for name, maps in found.items():
        network, score = name.split(" ")
        model = small_networks[network]
        more = {"restoration": scores.RESTORATION, "inversion_map": scores.INVERSION}.get(score, {})
        assert torch.equal(maps, getattr(anomaly, score)(model, few.images, few.brain, **more)), name
        assert name in NAMES, "the table has a name for it"
    assert len({tuple(maps.flatten().tolist()) for maps in found.values()}) == len(found), "all differ"
    [(name, score)] = scores.slicewise().items()
    assert name == "fanogan fanogan_score"
    assert torch.equal(score(few), anomaly.fanogan_score(small_networks["fanogan"], few.images))


def test_the_table_of_other_scores_can_be_read_alone(cohort, small_networks, monkeypatch, one_thread):
    monkeypatch.setattr(cohorts, "phantom", lambda contrast: cohort)
    monkeypatch.setattr(evaluate, "FEW", 2)
    rows, note = evaluate.scores_t1w(None, 0, False)
    assert {row.source for row in rows} == {"made up, other scores"}
    text = benchmark.report(rows, note)
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert "brightness itself" in lines[1]
    assert len(lines) == 1 + 5 + len(scores.pixelwise()) + 2, "a header, rows without a network, scores, twin, chance"
    assert "one number a slice" in note
    assert "first 2 of 12 people" in note
    value = one(rows, "fanogan fanogan_score", "iso", "image_auroc").value
    assert f"{value:.2f} iso" in note, "without an interval, for two people have none"
    assert "nan" not in text


def test_a_visit_in_one_word_is_a_level_of_its_own(cohort):
    sick = cohort.test.where(visit="tumour-iso")
    rows = benchmark.rows(cohort._replace(test=replace(sick, visit=("scan",) * len(sick))), {"truth": truth}, draws=0)
    assert {row.contrast for row in rows} == {"scan"}


def test_chance_is_told_for_every_quarter_too(cohort, table):
    sick = cohort.test[np.array([v.endswith("-iso") for v in cohort.test.visit])]
    for quarter, some in _quarters(sick).items():
        part = sick[some]
        assert one(table, "chance", "iso", "ap", quarter).value == pytest.approx(
            metrics.prevalence(part.masks & part.brain, part.brain)
        )


def test_the_four_quarters_part_the_scans_by_the_area_of_their_lesions(cohort, table):
    sick = cohort.test[np.array([v.endswith("-iso") for v in cohort.test.visit])]
    parts = _quarters(sick)
    assert np.sum(list(parts.values()), axis=0).tolist() == [1] * len(sick)
    area = (sick.masks & sick.brain).flatten(1).sum(1).numpy()
    scans = np.array(["/".join(pair) for pair in zip(sick.subjects, sick.visit, strict=True)])
    sizes = [[area[scans == scan].sum() for scan in np.unique(scans[part])] for part in parts.values()]
    for smaller, larger in pairwise(sizes):
        assert max(smaller) <= min(larger)
    assert {r.size for r in table if r.method == "truth" and r.metric == "ap"} == {"all", *QUARTILES}


def test_intervals_hold_the_value_and_under_ten_people_there_are_none(cohort, table):
    ap = one(table, "truth", "iso", "ap")
    assert ap.low < ap.value < ap.high
    few = cohort._replace(test=cohort.test[np.isin(cohort.test.subjects, ["p0", "p1"])])
    rows = benchmark.rows(few, {"truth": truth}, draws=20)
    assert all(math.isnan(r.low) and math.isnan(r.high) for r in rows)
    assert all(not math.isnan(r.value) for r in rows)


def test_a_test_without_lesions_is_refused_in_a_sentence(cohort):
    with pytest.raises(InputError, match="nothing to find"):
        benchmark.rows(cohort._replace(test=cohort.val), {"truth": truth})


def test_rows_of_several_seeds_become_their_mean_and_the_widest_interval():
    rows = [Row("s", f"dae, seed {k}", "iso", "all", "ap", v, v - 0.1, v + 0.1) for k, v in enumerate((0.2, 0.4))]
    [found] = benchmark.over_seeds(rows)
    assert found[:5] == ("s", "dae", "iso", "all", "ap")
    assert found[5:] == pytest.approx((0.3, 0.1, 0.5))


def test_the_report_has_the_plain_threshold_in_its_first_row_and_chance_in_its_last(table):
    lines = [line for line in benchmark.report(table, "A note.").splitlines() if line.startswith("| ")]
    assert lines[1].startswith("| intensity threshold: brightness itself |")
    assert lines[-1].startswith("| chance")
    ap = one(table, "truth", "iso", "ap")
    assert f"{ap.value:.3f} ({ap.low:.3f}–{ap.high:.3f})" in next(line for line in lines if "truth" in line)


QUICK = {"vae": methods.TRAINED["vae"]._replace(steps=3)}


def test_networks_trained_for_the_table_come_out_the_same_from_one_seed(cohort, monkeypatch, tmp_path, one_thread):
    found = []
    for folder in ("first", "again"):  # each with a cache of its own: both are trained
        monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path / folder))
        scores, seconds = methods.trained(cohort.train, QUICK, (0, 1), progress=False)
        assert list(scores) == list(seconds) == ["vae, seed 0", "vae, seed 1"]
        found.append([score(cohort.test[:5]) for score in scores.values()])
    (first, other), (again, _) = found
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_network_is_trained_once_and_anew_when_anything_that_makes_it_changes(
    cohort, monkeypatch, tmp_path, one_thread
):
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path))
    fit, fitted = training.fit, []
    monkeypatch.setattr(training, "fit", lambda *given, **named: fitted.append(named) or fit(*given, **named))
    few = cohort.test[:5]

    def maps(names=QUICK, train=cohort.train, seed=0):
        scores, seconds = methods.trained(train, names, (seed,), progress=False)
        return scores[f"vae, seed {seed}"](few), seconds[f"vae, seed {seed}"]

    first, took = maps()
    for file in tmp_path.glob("evaluate/*/seconds.json"):
        file.write_text("12.5")
    again, told = maps()
    assert torch.equal(first, again)
    assert (len(fitted), told) == (1, 12.5), "not trained again, and the seconds are those of the training"
    assert took > 0
    quick = QUICK["vae"]
    maps({"vae": quick._replace(steps=4)})
    maps({"vae": quick._replace(settings={"sigma": 0.3})})
    maps(seed=1)
    maps(train=replace(cohort.train, images=cohort.train.images * 0.5))
    monkeypatch.setattr(keeping, "CODE", "mended")
    maps()
    assert len(fitted) == 6
    for file in tmp_path.glob("evaluate/*/weights.safetensors"):
        file.write_bytes(b"damaged")
    assert torch.equal(maps()[0], first)
    assert len(fitted) == 7


def test_the_rim_counts_where_it_is_asked_for(cohort, table):
    [row] = [
        r
        for r in benchmark.rows(cohort, {"truth": truth}, draws=0, clean=benchmark.with_rim)
        if (r.contrast, r.metric, r.size, r.method) == ("iso", "ap", "all", "truth")
    ]
    sick = cohort.test[np.array([v.endswith("-iso") for v in cohort.test.visit])]
    maps = anomaly.median(truth(sick)) * sick.brain
    assert row.value == pytest.approx(metrics.average_precision(maps, sick.masks, sick.brain))
    assert row.value > one(table, "truth", "iso", "ap").value


def test_rows_without_a_network_come_first(cohort):
    assert list(methods.untrained(cohort.train)) == ["brightness", "darkness", "|z|", "|z| per level", "PCA residual"]


def test_a_perfect_reconstruction_is_the_same_person_without_the_lesion(cohort):
    heights = np.tile(np.arange(5.0), len(cohort.test) // 5)
    test = replace(cohort.test, position_mm=heights)
    score = methods.perfect(test)["healthy twin"]
    sick, well = (test[(np.array(test.visit) == "healthy") == healthy] for healthy in (False, True))
    maps = score(sick)
    for i in (0, len(sick) // 2, len(sick) - 1):
        same = zip(well.subjects, well.position_mm, strict=True)
        [twin] = [k for k, place in enumerate(same) if place == (sick.subjects[i], sick.position_mm[i])]
        assert torch.equal(maps[i], (sick.images[i] - well.images[twin]).abs() * sick.brain[i])
    assert not score(well).any()
    strangers = replace(cohort.val, subjects=tuple(f"other {name}" for name in cohort.val.subjects))
    assert not score(strangers).any(), "who is healthy is rebuilt as he is"
    assert methods.perfect(sick) == {}
    assert set(methods.perfect(well)) == {"healthy twin"}


def test_a_perfect_reconstruction_stands_after_all_methods_and_before_chance(cohort):
    rows = benchmark.rows(cohort, methods.perfect(cohort.test) | {"vae": truth, "dae and rim": truth}, draws=0)
    lines = [line.split("|")[1].strip() for line in benchmark.report(rows).splitlines() if line.startswith("| ")]
    assert lines[1:] == [NAMES["vae"], NAMES["dae and rim"], NAMES["healthy twin"], NAMES["chance"]]


def test_kept_rows_take_the_place_of_their_sources_own_and_come_back_as_they_were(tmp_path, table):
    path = tmp_path / "rows.json"
    other = Row("other", "m", "iso", "all", "ap", 0.5, math.nan, math.nan)
    evaluate.keep(table, "Old.", path)
    evaluate.keep([other], "Another.", path)
    evaluate.keep(table[:1], "New.", path)
    kept = json.loads(path.read_text())
    assert {name: one["note"] for name, one in kept.items()} == {"made up": "New.", "other": "Another."}
    assert len(kept["made up"]["rows"]) == 1
    [row] = kept["other"]["rows"]
    assert row["low"] is None
    assert str(evaluate.from_json(row)) == str(other)


def test_the_command_prints_a_table_or_every_row(monkeypatch, capsys, table):
    monkeypatch.setitem(evaluate.SOURCES, "phantom-t1w", lambda folder, seed, progress: (table, "A note."))
    assert cli.main(["evaluate"]) == 0
    assert "brightness itself" in capsys.readouterr().out
    assert cli.main(["evaluate", "phantom-t1w", "--json"]) == 0
    out, err = capsys.readouterr()
    rows = json.loads(out)
    assert err == "made up: A note.\n", "the sentence under the table is not lost"
    assert len(rows) == len(table)
    assert set(rows[0]) == {"source", "method", "contrast", "size", "metric", "value", "low", "high"}


def test_the_strongest_have_a_row_with_the_rim_beside_the_one_without(cohort):
    rows = evaluate._measured(cohort, {"dae, seed 3": truth, "vae, seed 3": truth})
    rim = {row.method for row in rows if " and rim" in row.method}
    assert rim == {"brightness and rim", "darkness and rim", "dae and rim, seed 3", "healthy twin and rim"}
    assert one(rows, "dae and rim, seed 3", "iso", "ap").value > one(rows, "dae, seed 3", "iso", "ap").value
    assert len(rows) == len({row[:5] for row in rows}), "no row twice"


def test_what_cannot_be_evaluated_is_said_before_any_work(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("BRAINLAB_REAL_DATA", raising=False)
    assert cli.main(["evaluate", "phantom-t2"]) == 2
    assert "choose from phantom-t1w" in capsys.readouterr().err
    assert cli.main(["evaluate", "phantom-t1w", "real-t1w"]) == 2
    assert "--data DIR" in capsys.readouterr().err
    assert cli.main(["evaluate", "--keep", str(tmp_path / "no" / "x.json")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert cli.main(["evaluate", "phantom-t1w", "--realism"]) == 2
    assert "leave out the sources" in capsys.readouterr().err
    assert cli.main(["evaluate", "real-flair", "--data", str(tmp_path)]) == 2
    assert "ms_lesions_mni" in capsys.readouterr().err


@pytest.mark.realdata
def test_lesions_put_into_real_people_leave_them_apart_and_paired(real_data):
    cohort = cohorts.real(real_data / "oasis_t1_slices", real_data / "ms_lesions_mni")
    groups = [set(one.subjects) for one in (cohort.train, cohort.val, cohort.test)]
    assert [len(group) for group in groups] == [50, 10, 20]
    assert len(set.union(*groups)) == 80
    test = cohort.test
    visits = set(test.visit)
    assert visits == {"healthy", *(f"{k}-{c}" for k in ("tumour", "ms", "infarct", "plaques") for c in lesioned.LEVELS)}
    healthy = test[np.array(test.visit) == "healthy"]
    for kind in ("tumour", "plaques"):
        dark, bright = (test[np.array(test.visit) == f"{kind}-{level}"] for level in ("hypo", "hyper"))
        assert torch.equal(dark.masks, bright.masks)
        assert (dark.images[dark.masks].mean() + 0.2) < bright.images[bright.masks].mean()
        far = ~torch.nn.functional.max_pool2d(dark.masks.float(), 13, 1, 6).bool()
        assert torch.equal(dark.images[far], healthy.images[far])
        assert not (dark.masks & ~dark.brain).any()


@pytest.mark.realdata
def test_real_plaques_of_two_patients_are_bright_on_flair(real_data):
    cohort = cohorts.patients(real_data / "ms_lesions_mni")
    assert "34 of 74 outlines in these slices are too small for 64 px and are lost" in cohort.note
    test = cohort.test
    assert set(test.subjects) == set(cohorts.PATIENTS)
    assert set(test.visit) == {"plaques-real"}
    assert test.images[test.masks].mean() > test.images[test.brain & ~test.masks].mean() + 0.1


@pytest.mark.timeout(1200)  # grows two splits where no earlier test has
def test_rows_of_the_published_table_are_repeated():
    cohort = cohorts.phantom("T1w")
    kept = published("phantom T1w")
    again = {"brightness": anomaly.brightness, "dae": methods.shipped("T1w", ["dae"])["dae"]}
    again |= methods.perfect(cohort.test)
    assert_repeated(benchmark.rows(cohort, again, draws=0), kept)
    assert kept["note"] == cohort.note


@pytest.mark.timeout(1200)
def test_rows_of_the_published_table_of_other_scores_are_repeated():
    kept = published("phantom T1w, other scores")
    cohort = cohorts.few(cohorts.phantom("T1w"), evaluate.FEW)._replace(source="phantom T1w, other scores")
    name = "vaegan feature_residual"
    assert_repeated(benchmark.rows(cohort, {name: scores.pixelwise()[name]}, draws=0), kept)
    assert_repeated(benchmark.slice_rows(cohort, scores.slicewise(), draws=0), kept)
    assert kept["note"] == f"{cohort.note} {scores.said(40, evaluate.FEW, [*map(evaluate.from_json, kept['rows'])])}"


def published(source):
    """The rows and the note that were kept of a source."""
    kept = json.loads(record.EVALUATION.read_text(encoding="utf-8"))
    if source not in kept:
        pytest.skip(f"{source} has not been recorded: make evaluate")
    return kept[source]


def assert_repeated(rows, kept):
    values = {tuple(row.values())[:5]: row["value"] for row in kept["rows"]}
    for row in rows:
        # Another processor rounds otherwise: a count of pieces then moves by one in hundreds, and a scan whose lesion
        # has a pixel more or less may change the quarter that it belongs to.
        least = 2e-3 if row.size == "all" else 0.05
        assert row.value == pytest.approx(values[row[:5]], abs=least, rel=1e-2), row[:5]
