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
# # 00 · Meet the brain
#
# Before a network may judge a brain scan, you should be able to. This lesson is about the pictures themselves: what
# they measure, which way round they lie, which of ours are synthetic, what a lesion looks like, and how to divide
# people into training and test so that a good result means something.
#
# **You will be able to**
#
# - *predict* from the signal equation which tissue is bright and which is dark;
# - *read* a volume in three planes, and say which side is the patient's left;
# - *tell* what is synthetic here and what is real, and open a scan of your own;
# - *find* a leak between training and test subjects, and split without one;
# - *build* the simplest lesion detector, and *show* where it fails.
#
# **Time** 40 minutes, of which the computer needs about one. **Builds on** Python and a little NumPy; no medicine.
#
# *For teaching, not for clinical use.*

# %% [markdown] tags=["instructor"]
# **For the instructor.** 40 minutes: signal 10, volume 7, real and synthetic 5, lesions 4, splitting 7, threshold 7.
# Run all cells once before the class: the first `data.load` of a contrast grows the population (under a minute) and
# caches it.
#
# Ask for hands before each *predict*; the discussion is worth more than the answer. Where time runs out, leave the
# exercise `split` for home, but not `leaked`: every later lesson rests on it.

# %% [markdown]
# ## Set up
#
# `brainlab` is imported first, because it sets how many processor cores spin before torch starts. `DATA` is a name in
# one place: later you can put another data set there and run the same lesson.

# %%
import brainlab as bl
import numpy as np
import torch
from brainlab import contrast, data, lessons, phantoms, plotting, volumes
from brainlab.lessons import check
from brainlab.widgets import contrast_lab, volume_viewer

DATA = "phantom"
print("brainlab", bl.__version__)

# %%
dev = data.load(DATA, split="dev", contrast="FLAIR")
sick = dev.where(visit="ms-hyper", labels="ms")
sick = sick[sick.masks.flatten(1).sum(1).argsort(descending=True)[:16:4]]
plotting.grid(
    torch.cat([sick.images, sick.images]),
    masks=torch.cat([sick.masks & False, sick.masks]),
    columns=4,
    caption="Synthetic FLAIR slices. Below, the lesions are outlined in blue.",
    alt="Four axial brain slices, and the same again with their bright patches outlined: multiple sclerosis plaques.",
)

# %% [markdown]
# That is the theme of the course: brains differ, and so do lesions, but not in the same way. Can a network that has
# only ever seen healthy brains draw those blue lines by itself?

# %% [markdown]
# ## 1 · What an MR scanner measures
#
# Not density, as X-rays do, but what hydrogen nuclei do in a magnetic field. A radio pulse tips their magnetisation;
# while it turns, it induces a voltage in a coil: the signal. Three properties of the tissue decide how strong that
# signal is:
#
# - $PD$, the **proton density**: how many hydrogen nuclei there are;
# - $T_1$, in ms: how slowly magnetisation *comes back* along the field after a pulse;
# - $T_2$, in ms: how slowly the turning magnetisation *fades*, because the nuclei fall out of step.
#
# The operator turns two knobs: the **repetition time** $TR$ between pulses, and the **echo time** $TE$ until the
# signal is read. For a *spin echo* with $TE \ll TR$,
#
# $$ S = PD \cdot \left(1 - e^{-TR/T_1}\right) \cdot e^{-TE/T_2}. $$

# %%
for name in ("gm", "wm", "csf"):
    tissue = contrast.RELAXATION[3.0][name]
    print(f"{name:4}  T1 {tissue.t1:5.0f} ms   T2 {tissue.t2:5.0f} ms   PD {tissue.pd:.2f}")

# %% [markdown]
# Grey matter (*gm*: the cortex and the deep nuclei), white matter (*wm*: the fibres between them) and cerebrospinal
# fluid (*csf*, nearly water), at 3 tesla (Stanisz et al. 2005 for grey and white matter).
#
# ### Exercise 1: the signal equation
#
# Write it down. `math.exp` takes plain numbers.

# %% tags=["solution"]
import math


# stub: import math
# stub:
# stub: def spin_echo(pd, t1, t2, tr, te):
# stub:     ...  # your turn
def spin_echo(pd, t1, t2, tr, te):
    return pd * (1 - math.exp(-tr / t1)) * math.exp(-te / t2)


# %%
check.spin_echo(spin_echo)

# %% [markdown]
# Stuck? `check.spin_echo.hint()` in a new cell gives a first hint, and a second and a third if you call it again;
# `check.spin_echo.solution()` shows one answer. An exercise left open never stops the notebook.

# %% [markdown] tags=["instructor"]
# **Where students stumble.** T1 and T2 change places (the check says so); and "long T1 means bright": no, long T1 means
# *dark* on T1-weighted images, because little has come back. Let them put CSF's numbers into their own function.

# %% [markdown]
# ### A third knob
#
# **FLAIR** turns the magnetisation upside down first and waits an **inversion time** $TI$ before it measures. On its
# way back up, the magnetisation of each tissue passes through zero:
#
# $$ S = PD \cdot \left| 1 - 2e^{-TI/T_1} + e^{-TR/T_1} \right| \cdot e^{-TE/T_2}. $$
#
# **Predict first.** Your predictions stay in a file of your own on this computer.

# %%
lessons.predict(
    "00.flair",
    "FLAIR uses TR 9000, TE 120 and TI 2480 ms. Which tissue will be darkest?",
    choices=["grey matter", "white matter", "cerebrospinal fluid"],
)

# %%
names = {"gm": "grey matter", "wm": "white matter", "csf": "cerebrospinal fluid"}
flair = {names[t]: contrast.signal(t, "FLAIR") for t in names}
darkest = min(flair, key=lambda tissue: flair[tissue])
lessons.reveal("00.flair", darkest, because="TI is chosen so that fluid is just passing through zero.")

# %% [markdown]
# That zero is the whole idea: a plaque beside a ventricle is bright and watery, and so is the ventricle. Silence the
# fluid, and the plaque stands alone.
#
# ### Try it: the contrast lab
#
# Start from *T1w* and find your own way to *T2w*, then to *FLAIR*. With the inversion on, move TI until **grey** matter
# vanishes: who is bright now? Then choose the plaque (multiple sclerosis) and make it disappear among its surroundings.

# %%
contrast_lab()

# %% [markdown]
# ## 2 · A volume has three planes, a scale and two sides
#
# A scan is not a picture but a **volume**: an array of *voxels* (small boxes), and an **affine**, a 4 × 4 matrix that
# says where each voxel lies in millimetres. We keep the neurological convention of files, *RAS+*: the first axis
# grows to the patient's **r**ight, the second to the front (**a**nterior), the third upwards (**s**uperior).

# %%
person = phantoms.subject(seed=3)
volume = phantoms.render(person, "T1w")
middle = [n // 2 for n in volume.shape]
print("voxels", tuple(volume.shape), "· voxel width", abs(person.affine[0, 0]), "mm")
print("voxel", middle, "lies at", person.affine[:3] @ [*middle, 1], "mm (right, anterior, superior)")

# %% [markdown]
# Click into a plane, or focus it and use the arrow keys, to move the crosshair; the letters at the edges say where
# you look.

# %%
volume_viewer(
    volume.numpy(), affine=person.affine, title="A synthetic T1w brain in three planes", caption="Synthetic brain."
)

# %% [markdown]
# Now a test of orientation. The next cell makes a ball of 8 mm radius bright, centred 35 mm to the patient's **left**.

# %%
lessons.predict(
    "00.side",
    "On an axial slice as radiologists show it, where will the ball appear?",
    choices=["on the left of the image", "on the right of the image"],
)

# %%
voxels = np.indices(volume.shape).reshape(3, -1)
millimetres = (person.affine[:3, :3] @ voxels + person.affine[:3, 3:]).reshape(3, *volume.shape)
ball = np.linalg.norm(millimetres - np.array([-35, 0, 20]).reshape(3, 1, 1, 1), axis=0) < 8
marked = np.maximum(volume.numpy(), ball)
slice_ = volumes.plane(marked, person.affine, "axial", position_mm=20, size=104)

# %%
plotting.grid(
    slice_[None],
    titles=["R                     L"],
    caption="Synthetic brain. R and L are the patient's right and left.",
    alt="An axial slice, nose at the top. A white disc lies on the right of the image, which is the patient's left.",
)

# %%
side = (
    "on the left of the image"
    if slice_[:, :52].max(1).sum() > slice_[:, 52:].max(1).sum()
    else "on the right of the image"
)
lessons.reveal("00.side", side, because="Radiologists look from the feet: the patient's left is on the image's right.")

# %% [markdown]
# Every image of this kit lies like that: axial, nose up, the patient's left on your right, 208 mm wide. A network
# trained on one orientation and shown another finds *everything* abnormal, and says so with confidence.

# %% [markdown]
# ## 3 · What is synthetic here, and what is real
#
# Our brains are **grown**: one real average anatomy, the MNI152 atlas (152 people, averaged), is warped, its tissues
# get their brightness from the signal equation, and coil shading and noise are added as a scanner would. What differs
# from one to the next is therefore *known*, a luxury that no real data set offers.

# %%
crowd = data.load(DATA, split="val", contrast="T1w")
level = crowd[np.abs(crowd.position_mm - np.median(crowd.position_mm)) < 4]
firsts = [level.subjects.index(name) for name in dict.fromkeys(level.subjects)][:16]
plotting.grid(
    level.images[firsts],
    caption="Sixteen synthetic people, T1w, near the same height.",
    alt="Sixteen axial T1w slices in two rows; ventricles, head shape and brightness differ from one to the next.",
)

# %% [markdown]
# Take one person and change **one** cause, leaving everything else alone.

# %%
widths = [0.8, 1.2, 1.6, 2.0, 2.4]
family = [phantoms.subject(3, ventricle_size=w) for w in widths]
heads = [volumes.plane(phantoms.render(f).numpy(), f.affine, "axial", 12, 104) for f in family]
plotting.grid(
    np.stack(heads),
    titles=[f"ventricles × {w}" for w in widths],
    caption="The same synthetic person with wider and wider ventricles.",
    alt="Five slices of the same brain; the dark ventricles in the middle widen from left to right.",
)

# %% [markdown]
# And here is a **real** scan, from a NIfTI file (`.nii.gz`), the format in which research exchanges them. Put the
# path of one of your own into `SCAN`; by default it is the atlas itself, or a patient's scan where this computer has
# been given some.

# %%
import os
from pathlib import Path

from nilearn import datasets as atlases

REAL = os.environ.get("BRAINLAB_REAL_DATA")
SCAN = Path(REAL, "ms_lesions_mni", "patient07", "FLAIR.nii.gz") if REAL else atlases.MNI152_FILE_PATH
scan = volumes.read(SCAN)
print(scan.data.shape, "voxels of", np.linalg.norm(scan.affine[:3, :3], axis=0).round(2), "mm")

# %%
whose = "A real scan." if REAL else "The MNI152 atlas: 152 people, averaged. Give SCAN a scan of one."
volume_viewer(scan, title=Path(SCAN).name, caption=f"{whose} For teaching, not for clinical use.")

# %% [markdown]
# Compare it with the phantom above. In one person's scan, look for the width of the sulci, for the sharpness of the
# deep nuclei, for vessels; in an average of many, see how
# those that lie elsewhere in everyone have blurred away. What a phantom cannot do, no network will learn from it; we
# shall measure that gap in lesson 02 instead of hoping.

# %% [markdown]
# ## 4 · Healthy and not
#
# Three diseases, three shapes. A **tumour** is a mass that pushes its surroundings aside, often with swelling
# (oedema). **Multiple sclerosis** leaves several oval plaques beside the ventricles. An **infarct** is the territory
# of a blocked artery. Each also comes in three brightnesses: darker than cortex (*hypo-intense*), as bright
# (*iso-intense*), brighter (*hyper-intense*).


# %%
def widest(visit, rank=0):
    scans = dev.where(visit=visit)
    return scans[scans.masks.flatten(1).sum(1).argsort(descending=True)[rank : rank + 1]]


kinds, styles = ["tumour", "ms", "infarct"], ["hypo", "iso", "hyper"]
shown = [widest(f"{k}-{s}") for k in kinds for s in styles]
plotting.grid(
    torch.cat([one.images for one in shown]),
    masks=torch.cat([one.masks for one in shown]),
    titles=[one.visit[0] for one in shown],
    columns=3,
    caption="Synthetic FLAIR slices. Blue: the true outline.",
    alt="Nine slices: tumour, multiple sclerosis and infarct, each hypo-, iso- and hyper-intense, the lesion outlined.",
)

# %% [markdown]
# Cover the blue outlines of the middle column with your hand: which of those lesions would you have seen? In white
# matter, whatever is as bright as cortex stands out to the eye, which knows where cortex belongs. To a rule that knows
# brightness alone it is just one more bright pixel: keep that column in mind.
#
# ### Our patient
#
# One of these people comes along through the whole course. Every model that you train or load will be shown this one
# slice, so that you can compare: a dark tumour, here on T1w, which most of our networks have learned from, and on
# FLAIR.

# %%
patient = {name: lessons.patient(data.load(DATA, split="dev", contrast=name)) for name in ("T1w", "FLAIR")}
plotting.grid(
    torch.cat([one.images for one in patient.values()]),
    masks=torch.cat([one.masks for one in patient.values()]),
    titles=list(patient),
    caption="Our patient: synthetic, as all are. Blue: the tumour.",
    alt="The same axial slice in two contrasts, with an outlined tumour that is darker than its surroundings.",
)

# %% [markdown]
# ## 5 · Who is in the test set?
#
# A colleague has a hundred and twenty people with sixteen slices each, and divides the *slices* at random: a fifth is
# for testing. It looks reasonable, and it is how a popular data set on dementia is distributed on the web.

# %%
crowd = data.load(DATA, split="train", contrast="T1w")
subjects = np.array(crowd.subjects)
is_test = np.random.default_rng(0).random(len(crowd)) < 0.2
train_subjects, test_subjects = subjects[~is_test].tolist(), subjects[is_test].tolist()
print(len(train_subjects), "training slices,", len(test_subjects), "test slices")

# %% [markdown]
# ### Exercise 2: find the leak
#
# Write a function that takes the two lists of names (one name a slice) and returns the people who stand in **both**.


# %% tags=["solution"]
# stub: def leaked(train, test):
# stub:     ...  # your turn
def leaked(train, test):
    return set(train) & set(test)


# %%
check.leaked(leaked)

# %%
print("on both sides, by your function:", str(leaked(train_subjects, test_subjects))[:300])

# %% [markdown]
# Does it matter? Let us see how much a test slice resembles what was trained on: for each test slice, find the training
# slice that is nearest to it, pixel by pixel.

# %%
lessons.predict(
    "00.neighbour",
    "In how many per cent of the test slices is the nearest training slice one of the SAME person?",
    slider=(0, 100),
    unit="%",
)


# %%
def nearest(images, test):
    distances = torch.cdist(images[test].flatten(1), images[~test].flatten(1))
    return np.flatnonzero(~test)[distances.argmin(1)]


found = nearest(crowd.images, is_test)
same = float((subjects[found] == subjects[is_test]).mean() * 100)
lessons.reveal("00.neighbour", round(same), because="By chance it would be one.")

# %% [markdown]
# A model need not understand anything then: now and then it can *recognise*. Here is what that does to a result. The
# task is to tell from a slice how wide the person's ventricles are, and the "model" copies the answer from the nearest
# training slice.

# %%
people = np.unique(subjects)
by_subject = np.isin(subjects, np.random.default_rng(0).permutation(people)[: len(people) // 5])
if crowd.factors is None:
    print("Of real people nobody knows how wide the ventricles are: for this table, set DATA to the phantom.")
else:
    truth = crowd.factors["ventricle_size"]
    for name, test in {"by slice": is_test, "by subject": by_subject}.items():
        error = np.abs(truth[nearest(crowd.images, test)] - truth[test]).mean()
        print(f"split {name:10}  mean error of the ventricles' width {error:.2f}")
    guess = np.abs(np.median(truth[~by_subject]) - truth[by_subject]).mean()
    print(f"the same guess for everybody       {guess:.2f}")

# %% [markdown]
# **What can go wrong here.** The first number is the one that gets published; the second is the one a new patient
# will meet. Beside the third, the median of the people trained on, the second says that this "model" knows nothing
# worth having. The leak made it look useful, and no line of code raised an error.
#
# ### Exercise 3: split by subject
#
# Return one boolean for each slice, `True` for testing, so that a `share` of the *people* is tested, nobody is on
# both sides, and the same `seed` gives the same split tomorrow.

# %% tags=["solution"]
import random


# stub: import random
# stub:
# stub: def split(subjects, share, seed):
# stub:     ...  # your turn
def split(subjects, share, seed):
    names = sorted(set(subjects))
    random.Random(seed).shuffle(names)
    chosen = names[: round(share * len(names))]
    return [s in chosen for s in subjects]


# %%
check.split(split)

# %% [markdown] tags=["instructor"]
# **Say.** `list(set(names))` before a seeded shuffle is the classic: reproducible within a session, another split
# tomorrow, because Python changes the hash of strings each time it starts. The check catches it by renaming the
# hashes. A published kit on this very topic has that line.

# %% [markdown]
# ## 6 · The simplest detector
#
# On FLAIR many lesions are bright. So: call a pixel a lesion where it is brighter than a **threshold**. No network,
# no training. But which threshold? Only healthy people may tell: allow a share *fpr* of their brain pixels to be
# called a lesion by mistake (the *false-positive rate*), and take the cut where that happens.
#
# ### Exercise 4: a threshold from healthy brains


# %% tags=["solution"]
# stub: def threshold(images, brain, fpr):
# stub:     ...  # your turn
def threshold(images, brain, fpr):
    return np.quantile(images[brain].numpy(), 1 - fpr)


# %%
check.threshold(threshold)

# %% [markdown]
# From here on we use the kit's own, `anomaly.threshold_at_fpr`, on healthy people who are in no other set.

# %%
lessons.predict(
    "00.styles",
    "5 % false positives. Which lesions will the threshold find at least two thirds of, pixel by pixel?",
    choices=["only hyper-intense", "hyper- and iso-intense", "hyper- and hypo-intense", "all three"],
)

# %%
from brainlab import anomaly

healthy = data.load(DATA, split="val", contrast="FLAIR")
cut = anomaly.threshold_at_fpr(healthy.images, healthy.brain, fpr=0.05)
share = {}
for style in styles:
    some = [i for i, visit in enumerate(dev.visit) if visit.endswith(f"-{style}")]
    share[style] = float((dev.images[some] > cut)[dev.masks[some]].float().mean())
print({style: f"{value:.0%} of lesion pixels found" for style, value in share.items()})

# %%
verdict = {
    ("hyper",): "only hyper-intense",
    ("iso", "hyper"): "hyper- and iso-intense",
    ("hypo", "hyper"): "hyper- and hypo-intense",
}
found = tuple(style for style in styles if share[style] >= 2 / 3)
lessons.reveal(
    "00.styles",
    verdict.get(found, "all three"),
    because="It knows brightness alone. Cortex is bright on FLAIR, too: of what is as bright it finds some.",
)

# %%
trio = [widest(f"tumour-{s}", rank=8) for s in styles]
images = torch.cat([one.images for one in trio])
plotting.overlay(
    images,
    images,
    torch.cat([one.masks for one in trio]),
    above=cut,
    columns=3,
    caption="Synthetic. Coloured: brighter than the threshold. Blue: the truth.",
    alt="A tumour dark, iso-intense and bright: not coloured, coloured in part, coloured all through; cortex in spots.",
)

# %% [markdown]
# Do not smile at it. On real FLAIR scans with multiple sclerosis such a threshold, after evening out the intensities,
# reached a higher Dice score than every autoencoder and GAN it was compared with (Meissen et al. 2021). It is the
# first row of every table in this course, and each network has to earn its place above it.
#
# ## The task of the course
#
# > Given scans of **healthy** people only, mark in a new person's scan what does not belong there, with a threshold
# > that healthy people set, and say honestly how well it went.
#
# A threshold asks "is this pixel bright?". A **generative model** asks "would I expect this pixel *here*, in *this*
# brain?". Lesson 02 builds the first one.

# %% [markdown]
# ## Three questions

# %%
lessons.quiz(
    "00.quiz-flair",
    "Why are plaques beside the ventricles easier to see on FLAIR than on T2w?",
    {
        "FLAIR has a shorter echo time.": "No: both use a long TE, about 100 ms. What does the inversion do?",
        "FLAIR silences the fluid beside the plaque.": "Yes: the fluid's magnetisation is passing through zero.",
        "Plaques have less water than white matter.": "The other way about: they have more, hence the long T2.",
    },
    right="FLAIR silences the fluid beside the plaque.",
)

# %%
lessons.quiz(
    "00.quiz-leak",
    "A paper splits 20,000 slices of 300 people at random and reports 99 % accuracy. What do you conclude?",
    {
        "20,000 slices are enough for 99 %.": "There are 300 people, not 20,000 independent cases.",
        "Nothing yet: the test people were trained on.": "Yes. Ask for the number with a split by subject.",
        "The training accuracy must be low.": "It would be high too. What is the test made of?",
    },
    right="Nothing yet: the test people were trained on.",
)

# %%
lessons.quiz(
    "00.quiz-threshold",
    "Why must the detector's threshold not be chosen on the test scans?",
    {
        "Because they are noisier.": "They need not be. What would you have on the day a new patient arrives?",
        "Because the result would hold for these scans only.": "Yes: nobody reaches such an 'oracle' on a new patient.",
        "It may, if the masks are left out.": "Less bad, but the cut still depends on who happens to be in the test.",
    },
    right="Because the result would hold for these scans only.",
)

# %% [markdown]
# ## You can now
#
# - **predict** contrast from $T_1$, $T_2$, $PD$ and the sequence's times;
# - **read** a volume in three planes, the patient's left on your right;
# - **tell** a grown brain from a scanned one, and open your own NIfTI file;
# - **find** and **avoid** a leak between people;
# - **build** an intensity threshold with a promised false-positive rate, and **show** that it misses dark
#   lesions and much of the iso-intense.

# %%
lessons.progress()

# %% [markdown]
# **Next** [02 · Autoencoders](02_autoencoders.ipynb): a network that has only ever seen healthy brains.
#
# **Further reading**
#
# - G. J. Stanisz et al. 2005, *Magn Reson Med* 54:507: measures T1 and T2 of tissue samples at 37 °C, 1.5 and 3 T
#   (white and grey matter of cattle); our table's source. In living people both vary by tens of per cent.
# - F. Meissen, G. Kaissis, D. Rueckert 2021, *Challenging current semi-supervised anomaly segmentation methods for
#   brain MRI*: thresholding equalised FLAIR intensities outperforms the deep models it is compared with, on three
#   sets of lesions.
# - V. S. Fonov et al. 2011, *NeuroImage* 54:313: how an unbiased average brain such as the MNI152 atlas is made.
