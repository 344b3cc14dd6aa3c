# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 06 · Anomaly showdown
#
# Every network of this course against one line of code: *is the pixel bright?* On the same people, with the same
# clean-up, and with no look at the truth. Then it is your turn: find dark lesions better than the VAE does.
#
# **You will be able to**
#
# - *compare* detectors fairly: a threshold first, chance beside it, intervals over people;
# - *compute* average precision, a false positive rate and a Dice by person, and know what each hides;
# - *set* a threshold on healthy people, and say what an oracle would have added;
# - *recognise* six ways in which a good number is not a good detector;
# - *build* a score that beats a given one by more than luck.
#
# **Time** 45 minutes, of which the computer needs about two. **Builds on** 00 (splits, threshold) and 02 (residual,
# anomaly map). The networks ship trained; what a VAE or a GAN is inside does not matter here.
#
# *For teaching, not for clinical use.*

# %% [markdown] tags=["instructor"]
# **For the instructor.** 45 minutes: the threshold first 7, the tables and the perfect network 13, thresholds and Dice
# 8, what can go wrong 10, the contest 7. Let them keep their first four predictions before anything runs. For the
# contest, pairs work well: one proposes a reason, the other runs it. Collect the best Dice on the board, then ask what
# they will be worth on `test`.
#
# The one sentence to leave them with: *a table without the plain threshold in its first row says nothing.*

# %% [markdown]
# ## Set up
#
# `train` and `val` are healthy. For the tables ten people of `dev` will do, each with a tumour, MS plaques and an
# infarct; each lesion three times: **bright**er than white matter, **dark**er than grey, or as bright as grey matter
# (**iso**). Same place, same shape, only the brightness differs.

# %%
import brainlab as bl
import numpy as np
import torch
from brainlab import anomaly, checkpoints, data, experiments, lessons, metrics, plotting, volumes
from brainlab.benchmark import methods
from brainlab.experiments.shift import another_scanner
from brainlab.lessons import check
from brainlab.widgets import anomaly_explorer, lesion_painter, volume_viewer
from IPython.display import display
from torch.nn.functional import avg_pool2d

DATA, CONTRAST = "phantom", "T1w"
train, val, dev = (data.load(DATA, split=name, contrast=CONTRAST) for name in ("train", "val", "dev"))
dev = data.with_lesions(dev)  # a folder of healthy people, if you name one, is given lesions; the phantom has them

# %%
some = dev[np.isin(dev.subjects, sorted(set(dev.subjects))[::2])]
LEVELS = {"bright": "-hyper", "dark": "-hypo", "iso": "-iso"}
ill = {kind: some[[visit.endswith(end) for visit in some.visit]] for kind, end in LEVELS.items()}
tumour, patient = some.where(visit="tumour-hypo"), lessons.patient(dev)
same = (np.array(tumour.subjects) == patient.subjects[0]) & (tumour.position_mm == patient.position_mm[0])
case = {kind: some.where(visit="tumour" + end)[same] for kind, end in LEVELS.items()}
plotting.rows(
    {"T1w": torch.cat([one.images for one in case.values()])},
    masks=torch.cat([one.masks for one in case.values()]),
    columns=list(case),
    caption="Synthetic T1w. Our patient's tumour in three brightnesses; blue: the truth.",
    alt="The same axial slice three times, with an outlined tumour that is bright, dark, or grey like the cortex.",
)

# %% [markdown]
# ## 1 · The threshold first
#
# Our baseline has no parameters. For bright lesions the score of a pixel is its **brightness** $x$, for dark ones its
# **darkness** $1 - x$. That is all. Beside it stand scores that know the healthy by their *statistics*: how many
# standard deviations a pixel is from its mean in `train`, and what 32 principal components leave over. And six
# **networks**, each with its residual $|x - \hat x|$.
#
# Which kind of method ranks the lesions best? Decide now, once for each brightness, and say how sure you are.

# %%
KINDS = ["brightness or darkness itself", "statistics of healthy pixels", "a network"]
for kind in LEVELS:
    display(lessons.predict(f"06.{kind}", f"Lesions that are {kind}: the best ranking comes from…", choices=KINDS))

# %% [markdown]
# To judge a ranking without any threshold, walk down it. After the $n$ highest pixels, **precision** $P_n$ is the
# share of them that is lesion, **recall** $R_n$ the share of the lesion that is among them. **Average precision** adds
# up the precision wherever recall rises:
#
# $$ \mathrm{AP} = \sum_n (R_n - R_{n-1})\, P_n . $$
#
# ### Exercise 1: by hand
#
# Eight pixels, from the highest score to the lowest: *lesion*, healthy, *lesion*, healthy, healthy, *lesion*, healthy,
# healthy. What is the average precision?

# %% tags=["solution"]
# stub: by_hand = ...  # your turn
by_hand = (1 / 1 + 2 / 3 + 3 / 6) / 3

# %%
check.by_hand(by_hand)

# %% [markdown]
# Now on all brain pixels, with the formula in full, and it equals the kit's. Every map, here and below, is **cleaned**
# alike: a median filter against lone pixels, and 0 on the brain's rim.

# %%
for kind, s in ill.items():
    chance = metrics.prevalence(s.masks, s.brain)
    for score in (anomaly.brightness, anomaly.darkness):
        maps = anomaly.clean(score(s), s.brain)
        precision, recall, _ = metrics.precision_recall(maps, s.masks, s.brain)
        ap = (np.diff(recall, prepend=0) * precision).sum()
        assert np.isclose(ap, metrics.average_precision(maps, s.masks, s.brain))
        print(f"{kind:7} {score.__name__:11} AP {ap:.2f}   (a guess: {chance:.3f})")

# %% [markdown]
# Brightness is hard to beat where lesions are bright, and *below* a guess where they are dark: it ranks them last.
# Darkness does little for dark ones, for on T1w there is something darker than any lesion: the fluid in every sulcus.
#
# ## 2 · Everyone beside it
#
# A method is a function from slices to maps, with or without a network. So the whole contest is a dictionary and a
# loop.

# %%
MODELS = {"autoencoder": "ae", "spatial autoencoder": "ae-spatial", "VAE": "vae", "denoising autoencoder": "dae"}
MODELS |= {"VAE-GAN": "vaegan", "f-AnoGAN": "fanogan"}
MODELS = {name: checkpoints.load(file) for name, file in MODELS.items()}
SCORES = {"brightness": anomaly.brightness, "darkness": anomaly.darkness}
SCORES |= {"|z|": anomaly.ZScore.fit(train), "|z| by level": anomaly.ZScore.fit(train, per_level=True)}
SCORES |= {"PCA, 32 components": anomaly.PCAResidual.fit(train, components=32)}
SCORES |= {name: anomaly.scored(model) for name, model in MODELS.items()}
found = {}
for kind, s in ill.items():
    maps = {name: anomaly.clean(score(s), s.brain) for name, score in SCORES.items()}
    truth = (s.masks, s.brain, s.subjects)
    found[kind] = {name: metrics.average_precision_interval(m, *truth, draws=100) for name, m in maps.items()}

# %%
for name in SCORES:
    print(f"{name:22}" + "".join("{:8.2f} ({:.2f}–{:.2f})".format(*found[kind][name]) for kind in LEVELS))
plotting.intervals(
    found,
    xlabel="average precision",
    chance={kind: metrics.prevalence(s.masks, s.brain) for kind, s in ill.items()},
    filled=list(MODELS),
    caption="Ten synthetic people of dev; bars: 95 % over people. Blue: networks. Dotted: a guess.",
    alt="Average precision of eleven methods in three panels, best by lesion: "
    + "; ".join(f"{kind}: {max(row, key=row.get)}, {max(row.values())[0]:.2f}" for kind, row in found.items()),
)

# %%
for kind, row in found.items():
    first, second = sorted(row, key=row.get, reverse=True)[:2]
    won = KINDS[2 if first in MODELS else 0 if first in ("brightness", "darkness") else 1]
    told = f"{first}, AP {row[first].value:.2f}; next {second}, {row[second].value:.2f}. "
    apart = row[first].low > row[second].high
    told += "Their intervals do not touch." if apart else "Their intervals overlap: no clear winner among the two."
    display(lessons.reveal(f"06.{kind}", won, because=told))

# %% [markdown]
# ### And your own runs?
#
# Those networks were trained for you, for longer. Your own of lessons 02 to 05 stand in a table of yours. (Where it is
# still empty, the networks above are asked instead.)

# %%
lessons.predict(
    "06.own",
    "In the table of your own runs, who ranks dark tumours best?",
    choices=["darkness itself", "PCA, which is linear", "a network"],
)

# %%
lessons.table()

# %%
mine = {one.model: one.numbers["dark"] for one in lessons.table().lines if "dark" in one.numbers}
mine = mine or {name: one.value for name, one in found["dark"].items()}  # no lesson's row yet: those that ship
first = max(mine, key=mine.__getitem__)
own = "darkness itself" if first == "darkness" else "PCA, which is linear" if first.startswith("PCA") else "a network"
own = own if "|z|" not in first else "none of these"
lessons.reveal("06.own", own, because=f"{first}, AP {mine[first]:.2f}, of {len(mine)} rows. One run each: no interval.")

# %% [markdown]
# Read both tables as a reviewer would.
#
# - **Bright:** one line of code is ahead of six networks.
# - **Dark:** here the networks differ most. Plain autoencoders and the VAE stay far below |z| by level, which is no
#   more than means and standard deviations. Whose interval does not lie above *its* interval has not shown that a
#   network was needed.
# - **Iso:** nearly everyone fails: so faint a contrast drowns in their own errors. Only the denoising autoencoder
#   stands out.
#
# The first cell below shows the maps behind the numbers, each on its own scale: look at *where* it is bright.
#
# ### Is it the sharpness?
#
# The VAE-GAN finds dark lesions better than the VAE. Is that because a discriminator taught it to draw *sharply*? The
# second cell asks four of them: how well are healthy slices rebuilt (**PSNR**), how much fine detail is drawn inside
# the brain (**sharpness**, as in lesson 05; 1 is as much as the image has), and what share of a tumour's darkness comes
# through into the reconstruction (**copied**)? Then it blurs what the VAE-GAN draws, and asks again.

# %%
shown = ["brightness", "darkness", "|z| by level", "VAE", "VAE-GAN", "denoising autoencoder"]
maps = {kind: torch.cat([anomaly.clean(SCORES[n](s), s.brain) for n in shown]) for kind, s in case.items()}
plotting.rows(
    {kind: m / m.amax(dim=(1, 2, 3), keepdim=True) for kind, m in maps.items()},
    maps=list(maps),
    masks=case["dark"].masks.expand(len(shown), -1, -1, -1),
    columns=[*shown[:-1], "denoising AE"],
    caption="Synthetic. Cleaned maps of one tumour in three brightnesses, each on its own scale; blue: the truth.",
    alt="Maps of six methods for one tumour, bright, dark and iso-intense. Brightness lights up the bright one and"
    " white matter, darkness the dark one and fluid; the VAE is speckled, the denoising autoencoder marks all three.",
)

# %%
well = some.where(visit="healthy")
gap = well.images - tumour.images  # where the lesion lies, a sick slice and its healthy twin differ by the lesion


def blur(images):
    return avg_pool2d(images, 3, stride=1, padding=1)


def detail(images):
    return (images - blur(images))[anomaly.erode(well.brain)].square().sum()


# %%
dark = ill["dark"]
asked = ("autoencoder", "VAE", "denoising autoencoder", "VAE-GAN")
drawn = {name: [anomaly.reconstruct(MODELS[name], s.images) for s in (well, tumour, dark)] for name in asked}
drawn["VAE-GAN, blurred"] = [blur(x_hat) for x_hat in drawn["VAE-GAN"]]
print(f"{'':24}PSNR  sharpness  copied  AP, dark")
for name, (rebuilt, sick, x_hat) in drawn.items():
    psnr, sharp = metrics.psnr(well.images, rebuilt), detail(rebuilt) / detail(well.images)
    copied = (rebuilt - sick)[tumour.masks].mean() / gap[tumour.masks].mean()
    maps = anomaly.clean((dark.images - x_hat).abs() * dark.brain, dark.brain)
    ap = metrics.average_precision(maps, dark.masks, dark.brain)
    print(f"{name:22}{psnr:6.1f}  {sharp:9.2f}  {copied:6.0%}  {ap:8.2f}")

# %% [markdown]
# No. This VAE-GAN does draw sharper than the VAE, and rebuilds *worse*: much of its detail is invented. Blurred, it
# loses most of that detail and finds as much as before. What sets it apart is that it **copies less** of the lesion.
# (The denoising autoencoder copies half, but rebuilds everything else so well that the other half stands out.) And it
# is not clearly above |z| by level, which has no network at all. An adversary's sharpness as such buys no detection.
#
# Published tables agree. In Brain-OmniA (README of UniTransAD) an intensity threshold reaches a Dice of 0.594, 0.376,
# 0.373 and 0.364 on BraTS21, MSLUB, ISLES22 and WMH17, more than a DAE, an f-AnoGAN and a VAE-GAN on all four; the
# VAE-GAN has 0.426, 0.137, 0.250 and 0.226. (The authors' own transformer is ahead of the threshold.) On MSLUB's
# FLAIR, where lesions are bright, Meissen et al. 2021 give the threshold 0.374 and the best of six networks 0.333, all
# with an oracle's threshold.
#
# ### What would a perfect network find?
#
# Even the best rows stay well below 1. Is that the networks' fault? In the phantom each sick slice has a healthy
# **twin**: same person, same noise, no lesion. A perfect network would rebuild the twin, and its residual would be what
# the two differ in.

# %%
lessons.predict(
    "06.perfect",
    "Dark lesions of all three kinds, maps cleaned as ever: a perfect network's average precision is…",
    slider=(0, 1),
)

# %%
perfect = methods.perfect(some)["healthy twin"]  # |x − its twin|
best = {}
print(f"{'':9}perfect  perfect, rim kept  denoising autoencoder")
for kind, s in ill.items():
    maps = {"cleaned": anomaly.clean(perfect(s), s.brain), "rim kept": anomaly.median(perfect(s))}
    best[kind] = {name: metrics.average_precision(m, s.masks, s.brain) for name, m in maps.items()}
    dae = found[kind]["denoising autoencoder"].value
    print(f"{kind:9}{best[kind]['cleaned']:7.2f}{best[kind]['rim kept']:19.2f}{dae:23.2f}")

# %%
lessons.reveal("06.perfect", best["dark"]["cleaned"], because="And that with nothing rebuilt wrongly.")

# %% [markdown]
# Even a perfect reconstruction is no perfect detector:
#
# - **More changes than the lesion.** A tumour swells and pushes. Oedema and displaced tissue differ from the twin too,
#   and so do pixels that a lesion only grazes; no mask has them.
# - **Cleaning has its price.** About a third of the infarcts' pixels lie in the rim, and the median wears away the
#   smallest plaques.
# - **A residual is a contrast.** Where a lesion is as bright as the tissue that it replaced, nothing is left; where it
#   is nearly so, displaced tissue outshines it.
#
# So compare residuals with this and not with 1. The README (*Who finds which lesions*) has it for forty people of
# `test`: 0.74, 0.53 and 0.62 for dark, iso and bright on T1w, and 0.62, 0.35 and 0.61 on FLAIR. A denoising
# autoencoder at 0.58 on FLAIR's dark lesions is near what residuals can do. It is no upper bound: for bright ones there
# the same network has 0.71. A network that rebuilds swelling and shifts *as they are* keeps silent about them.
#
# ## 3 · From ranking to mask
#
# AP needs no threshold, a diagnosis does. We set it where 1 % of healthy people's brain pixels lie above.
#
# ### Exercise 2: what is a false positive rate?
#
# `prediction`, `mask` and `brain` are boolean, (N, 1, H, W). Return the rate inside the brain.


# %% tags=["solution"]
# stub: def false_alarms(prediction, mask, brain):
# stub:     ...  # your turn
def false_alarms(prediction, mask, brain):
    healthy = brain & ~mask
    return (prediction & healthy).sum() / healthy.sum()


# %%
check.false_alarms(false_alarms)

# %% [markdown]
# ### Exercise 3: Dice, by person
#
# `metrics.dice(prediction, mask)` is the overlap $2|P \cap M| / (|P| + |M|)$ of two masks. `subjects` names each
# slice's person, in any order. Return the mean over people who have a lesion of the Dice of all their slices.


# %% tags=["solution"]
# stub: def dice_by_person(prediction, mask, subjects):
# stub:     ...  # your turn
def dice_by_person(prediction, mask, subjects):
    values = []
    for name in set(subjects):
        mine = np.array(subjects) == name
        if mask[mine].any():
            values.append(metrics.dice(prediction[mine], mask[mine]))
    return np.mean(values)


# %%
check.dice_by_person(dice_by_person)

# %% [markdown]
# With both in hand: what is Dice worth when the threshold comes from healthy people, and what if an **oracle** had
# chosen it with the truth on the table? (Here Dice is of all pixels together, for that is what the oracle maximises.)

# %%
few = {name: SCORES[name] for name in ("|z| by level", "VAE", "VAE-GAN", "denoising autoencoder")}
oracle = experiments.oracle_vs_healthy(few, dev=some, val=val, contrast="hypo")
oracle.figure()

# %% [markdown]
# The diamond is an **upper bound**, not a result: most published Dice scores are diamonds. At 1 % most of it is kept,
# at 5 % much is lost: lesions fill 1.5 % of these brains, so 5 % false alarms outnumber every lesion pixel by three
# to one.
#
# **Try it.** Move the threshold over each map: Dice, precision and false alarms in healthy people move along. Where do
# you find the best Dice, and what does it cost the healthy?

# %%
anomaly_explorer(few, slices=tumour, healthy=val)

# %% [markdown]
# ## 4 · What can go wrong here
#
# ### AUROC does not see how rare a lesion is
#
# One score, drawn from two bell curves, and lesions made rarer and rarer. Nothing about the detector changes.

# %%
experiments.auroc_vs_ap().figure()

# %% [markdown]
# ### A residual is a contrast of intensity
#
# First a network that has learned nothing and draws black, so that $|x - 0|$ *is* the image. Then the opposite, a
# nearly *perfect* model: $\hat x$ is the healthy slice itself, a little blurred. Into the slice goes a disk, of every
# brightness in turn.

# %%
untrained = bl.Autoencoder(bl.ModelConfig(image_size=64))
for parameter in untrained.decoder[-1].parameters():
    torch.nn.init.zeros_(parameter)
s = ill["bright"]
for name, score in {"untrained": anomaly.scored(untrained), "brightness": anomaly.brightness}.items():
    ap = metrics.average_precision(anomaly.clean(score(s), s.brain), s.masks, s.brain)
    print(f"bright lesions, {name:11} AP {ap:.3f}")
experiments.contrast_sweep(some).figure()

# %% [markdown]
# The network that knows nothing scores exactly as brightness does, and "beats" every trained one on bright lesions.
# Without the first row of the table it looks like a success. And the model that knows the person's own healthy brain
# loses most of its precision where the disk is as bright as tissue may be (Meissen et al. 2022).
#
# **Paint it yourself.** Choose a brush and a brightness, paint a lesion on a healthy person, and see all the models
# answer beside the plain threshold. Make one that no residual finds, and is plain to your eye.

# %%
middle = well[np.abs(well.position_mm - np.median(well.position_mm)) < 4]
lesion_painter({name: MODELS[name] for name in ("VAE", "VAE-GAN", "denoising autoencoder")}, middle, healthy=val)

# %% [markdown]
# ### Better rebuilt is not better found
#
# Fifteen networks that ship with the kit, by how well they rebuild and by how well they find.

# %%
experiments.reconstruction_vs_detection(slices=some, draws=50).figure()

# %% [markdown]
# If anything, those that rebuild better find less; only the denoising autoencoder does both. A model chosen by its
# loss is not chosen for detection.
#
# ### Eroding too much, and other people's scanners
#
# Dropping the brain's rim removes false alarms, and every lesion that lies there. A radius copied from a paper at
# another resolution takes half of the cortex along. And a threshold is a promise about people *like those it came
# from*.

# %%
worse = another_scanner(well)
domains = {
    "same population": well,
    "another scanner": worse,
    "FLAIR": data.load("phantom", split="val", contrast="FLAIR"),
}
display(experiments.erosion(SCORES["VAE"], some, radii=(0, 1, 2, 3, 4, 6, 8)).figure())
experiments.domain_shift(MODELS["denoising autoencoder"], domains, val).figure()

# %% [markdown]
# Nothing in a map says that its threshold no longer holds. A seventh failure takes minutes, so try it at home:
# `experiments.contamination()` trains nine small networks, some with a few lesions among their "healthy" slices.
#
# ## 5 · Your turn: beat the VAE
#
# Write `my_score(slices)`: maps (N, 1, 64, 64), high where you suspect a lesion. You may use `slices.images`,
# `slices.brain` and `slices.position_mm`, `train`, and everything in `SCORES`, `MODELS` and `anomaly`.
#
# The check cleans your maps, takes the threshold at 1 % from `val`, and measures Dice by person on the **dark** lesions
# of all twenty people of `dev`. You have won when you are ahead of the VAE's $|x - \hat x|$ by more than luck: when the
# 95 % interval of the gain, person by person, lies above 0. A score that looks at the masks is found out.


# %% tags=["solution"]
# stub: def my_score(slices):
# stub:     ...  # your turn
def my_score(slices):
    return SCORES["|z| by level"](slices) * SCORES["denoising autoencoder"](slices)


# %%
check.my_score(my_score)

# %% [markdown] tags=["instructor"]
# **What they try.** Brightness and plain darkness: Dice 0, for fluid is darker. A wider median on the VAE: enough to
# win, and harmful for small plaques. Only what is darker than expected, $(\hat x - x)_+$: helps, and is a bet on the
# colour of the lesion; ask what it makes of a bright one. The product of |z| by level and the denoising autoencoder
# is best of what we tried: their false alarms lie in different places.

# %% [markdown]
# Does it hold on a brain that no phantom grew? Here is a real one: a patient with multiple sclerosis if this computer
# has real data, else the MNI152 atlas. Move the overlay's threshold; it starts at the 1 % promised on `val`. Then put
# `my_score` in the first line.

# %%
import os
from pathlib import Path

from nilearn import datasets as atlases

score = SCORES["denoising autoencoder"]  # or my_score
REAL = os.environ.get("BRAINLAB_REAL_DATA")
path = Path(REAL, "ms_lesions_mni", "patient07", "T1.nii.gz") if REAL else Path(atlases.MNI152_FILE_PATH)
scan = volumes.read(path)
new = volumes.slices(scan, size=64)
maps = anomaly.clean(score(new), new.brain)
cut = anomaly.threshold_at_fpr(anomaly.clean(score(val), val.brain), val.brain, fpr=0.01)
print(f"promised: 1 % of a healthy brain · marked here: {(maps > cut)[new.brain].float().mean():.0%}")
saved = volumes.save(lessons.folder() / "showdown_map.nii.gz", volumes.to_volume(maps, new, like=scan), like=scan)
viewer = volume_viewer(
    scan, volumes.read(saved), title="Anomaly map on a real brain", caption="For teaching, not for clinical use."
)
viewer.look = viewer.look | {"threshold": cut}
viewer

# %% [markdown]
# What is marked here and is no lesion is **domain shift** again, now in three planes. For a number that you may report,
# all choices must be over: `brainlab evaluate` in a terminal makes the final table on `test`, with intervals.
#
# ## Three questions

# %%
lessons.quiz(
    "06.quiz-auroc",
    "A paper finds plaques that fill 0.5 % of the brain with a pixel AUROC of 0.99. What do you know?",
    {
        "It works.": "A rank of 1 % false alarms still means two false pixels for every true one.",
        "Little: ask for the average precision.": "Yes, and for its chance line, 0.005.",
        "It has overfitted.": "It may have, but this number does not tell.",
    },
    right="Little: ask for the average precision.",
)

# %%
lessons.quiz(
    "06.quiz-oracle",
    "Method A has an oracle Dice of 0.60, method B a Dice of 0.50 at 1 % of healthy pixels. Which is better?",
    {
        "A.": "A's threshold has seen the masks; with an honest one it may be anywhere below.",
        "B.": "Not known either: A's honest Dice may still be above 0.50.",
        "They cannot be compared.": "Yes. Ask for A's Dice at the same threshold rule, on the same people.",
    },
    right="They cannot be compared.",
)

# %%
lessons.quiz(
    "06.quiz-dev",
    "You tried twenty scores on `dev`; the best is 0.05 ahead of the VAE. What do you report?",
    {
        "The 0.05, with its interval.": "The best of twenty is lucky too; the interval does not know of the rest.",
        "Its Dice on `test`, looked at once.": "Yes: with the interval from there, and the threshold beside it.",
        "The mean of all twenty.": "You would not use the mean of them; report the one you chose, on new people.",
    },
    right="Its Dice on `test`, looked at once.",
)

# %% [markdown]
# ## You can now
#
# - **compare** detectors on the same people, with brightness in the first row, chance and intervals beside;
# - **compute** AP as a sum of steps, false alarms as a share of the *healthy*, Dice by person;
# - **set** a threshold on healthy people and call an oracle an oracle;
# - **recognise** rare lesions behind AUROC, contrast behind a residual, copying behind a good PSNR, a rim that took the
#   cortex along, a network that is a threshold, a scanner that breaks a promise;
# - **build** a score, and say what its gain is worth.
#
# **Further reading**
#
# - F. Meissen et al. 2021, arXiv:2109.06023: thresholding equalised FLAIR outperforms most published networks.
# - F. Meissen et al. 2022, *On the pitfalls of using the residual error as anomaly score*, MIDL: even a perfect
#   reconstruction misses anomalies of a normal intensity.
# - C. Baur et al. 2021, *Medical Image Analysis* 69:101952: autoencoders compared in one architecture; bottlenecks
#   matter, reconstruction alone does not tell.
# - A. Kascenas et al. 2022, *Denoising autoencoders for unsupervised anomaly detection in brain MRI*, MIDL: coarse
#   noise makes a plain denoising autoencoder a strong detector.
# - T. Saito, M. Rehmsmeier 2015, *PLOS ONE* 10:e0118432: where positives are rare, precision and recall say more than
#   a ROC curve.

# %%
lessons.progress()
