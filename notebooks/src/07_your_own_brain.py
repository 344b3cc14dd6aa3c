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
# # 07 · Your own brain
#
# A scan as it comes from a hospital is no data set: it lies askew, its brightness has no unit, and a name may stand in
# it. Here you take one such file through everything, from its header to an anomaly map in its own millimetres, and find
# out what that map is worth. There is a scan to practise on; then put in your own.
#
# **You will be able to**
#
# - *say* where a voxel lies in millimetres, and what a file gives away about the person in it;
# - *prepare* a scan step by step, and see in a picture what each step is good for;
# - *run* trained networks on it, with a plain threshold beside them;
# - *measure* false alarms on the brain in front of you, instead of believing a promise;
# - *bring* a map back into the scan's own space, in millilitres, and say what it is not.
#
# **Time** 45 minutes, of which the computer needs about one. **Builds on** 00 (volume, affine, threshold) and 02
# (residual, anomaly map, domain shift).
#
# *For teaching, not for clinical use.*

# %% [markdown] tags=["instructor"]
# **For the instructor.** 45 minutes: before you open 4, where 7, privacy 8, steps 7, detectors 8, own space 6, failures
# and worth 5. The practice scan is grown at the first run (some ten seconds). Ask beforehand that nobody opens a
# friend's or a patient's scan, and have all hands on *their own* machines: no cloud notebook. On a projector use
# `privacy.reveals(mine.path, values=False)`: it says where, not what.
#
# If somebody sees something in their own scan and goes quiet: the section *Before you open your own* is the script.
#
# The one sentence to leave them with: *the map says where a scan is unlike the training set; it has never heard of
# disease.*

# %% [markdown]
# ## Before you open your own
#
# - **It is medical data.** Everything here stays on the computer that runs this notebook: yours, or, on a JupyterHub,
#   somebody's server. Do not run this lesson in a cloud, do not commit or share it with its outputs, and open nobody
#   else's scan without asking them.
# - **An anomaly map is no finding.** It lights up in healthy brains too, as you will measure, and stays dark on
#   disease.
# - **Something may be there.** Of people without any symptom about 1 in 37 (2.7 %) has an incidental finding in a brain
#   scan, spots in the white matter and silent strokes not counted (Morris et al. 2009). Most are harmless. Decide
#   *now* whether you want to look.
#
# And if you do see something that worries you? Not the map: the *scan*. Then do what a reasonable person does. Ask for
# the radiologist's report; ask the doctor who ordered the scan, or your own, or, if it was taken for a study, the
# study's contact, who has a procedure for it. Bring the original images, not this notebook. Do not diagnose yourself or
# others. And whoever has symptoms sees a doctor whatever a picture shows.

# %% [markdown]
# ## Set up
#
# Leave `SCAN` as it is for the practice scan, or give the path of a file (`.nii.gz`, `.nii`, `.mgz`), of a folder of
# DICOM files, or of a BIDS folder. It should be a T1w or a FLAIR; if its name does not say which, use
# `open_scan(SCAN, contrast="T1w")`. Results go to your `my_lessons` folder, never beside the scan.

# %%
import os
import warnings

import brainlab as bl
import nibabel as nib
import numpy as np
from brainlab import anomaly, checkpoints, data, lessons, metrics, plotting, preprocessing, privacy
from brainlab import volumes, wholebrain
from brainlab.lessons import check
from brainlab.widgets import volume_viewer
from IPython.display import Markdown, display

SCAN = os.environ.get("BRAINLAB_SCAN")  # or your own: "C:/scans/me_T1w.nii.gz"

# %%
practice = lessons.practice_scan()
mine = lessons.open_scan(SCAN)
scan, truth = mine.volume, mine.truth
WHOSE = "The practice scan: an invented person." if mine.practice else "A scan from a file."
planes = [volumes.plane(scan.data, scan.affine, name, size=208) for name in ("axial", "coronal", "sagittal")]
plotting.grid(
    np.stack(planes),
    titles=["axial", "coronal", "sagittal"],
    limits=None,
    caption=f"{WHOSE} {mine.contrast}, not yet prepared. For teaching, not for clinical use.",
    alt=f"Three planes through a {mine.contrast} scan of a head, as it comes from the scanner.",
)

# %% [markdown]
# ## 1 · Where is this voxel?
#
# A file holds an array and a matrix. The array has no idea of left and right; the **affine** $A$ says where voxel
# $v = (i, j, k)$ lies in the world, in millimetres to the right, to anterior, and up:
#
# $$ p = A_{3\times3}\, v + t . $$
#
# The columns of $A_{3\times3}$ are the steps from one voxel to the next along each axis: their *lengths* are the
# voxel's size, their *directions* say how the slices lay in the head. $t$ is where voxel (0, 0, 0) lies.

# %%
shape, affine, _ = scan.original
codes = preprocessing.axes(affine)
print("array", shape, "· axes run to", ", ".join(codes))
print("voxel size", np.linalg.norm(affine[:3, :3], axis=0).round(2), "mm")
print(affine.round(2))

# %%
lessons.predict(
    "07.side",
    "A program that ignores the affine draws array[:, :, k], first axis downwards. The brain appears…",
    choices=["nose up", "nose down", "on its side", "in another plane"],
)

# %%
stored = preprocessing.as_stored(scan)
drawn = stored.data[:, :, stored.data.shape[2] // 2]
plotting.grid(
    drawn[None],
    limits=None,
    caption="The middle of the array, drawn without asking the affine.",
    alt=f"One plane of the array as it is stored, axes {codes}: not the view a radiologist expects.",
)

# %%
upright = {"A": "nose down", "P": "nose up"}.get(codes[0], "on its side") if codes[2] in "SI" else "in another plane"
lessons.reveal("07.side", upright, because=f"The first axis of this file runs to {codes[0]}, the second to {codes[1]}.")

# %% [markdown]
# ### Exercise 1: from voxel to millimetres
#
# `voxel` is an array of three numbers, `affine` is 4 × 4. Return the point, three numbers in mm.


# %% tags=["solution"]
# stub: def to_mm(voxel, affine):
# stub:     ...  # your turn
def to_mm(voxel, affine):
    return affine[:3, :3] @ voxel + affine[:3, 3]


# %%
check.to_mm(to_mm)

# %% [markdown]
# `check.to_mm.hint()` helps, more at each call; `check.to_mm.solution()` shows one answer. Unanswered exercises never
# stop the notebook.
#
# The kit turns every scan when it reads it, so that its axes run to the **r**ight, to **a**nterior, and **s**uperior
# (RAS). The array changes, and so does the affine: the *point* stays. Move the crosshair, and look where the letters
# stand.

# %%
corner = np.array([0, 0, 0])
print("voxel (0, 0, 0) of the file lies at", (affine @ [*corner, 1])[:3].round(1), "mm")
print("voxel (0, 0, 0) once turned lies at", (scan.affine @ [*corner, 1])[:3].round(1), "mm: another corner")
volume_viewer(scan, title=f"{mine.contrast} scan, axes turned to RAS", caption=WHOSE)

# %% [markdown]
# ## 2 · What the file gives away
#
# Before voxels, a NIfTI file has a header. This is the practice scan's, whatever `SCAN` is: most of it is numbers on
# size and place.

# %%
print(volumes.read(practice.path).original.header)

# %% [markdown]
# ### Exercise 2: who is it?
#
# One field gives the person away (she is invented). Which? Give the field's name, as a string.

# %% tags=["solution"]
# stub: giveaway = ...  # your turn
giveaway = "descrip"

# %%
check.giveaway(giveaway)

# %% [markdown]
# Headers are only the beginning: extensions, the gzip wrapper, a `.json` beside the file, names of files and folders,
# and with DICOM some hundred tags. `privacy.reveals` goes through them.

# %%
privacy.reveals(practice.path)

# %% [markdown]
# Here is the mend: a copy with the voxels, their place, and not a word besides. Its number of findings, before and
# after:

# %%
clean = lessons.folder() / "practice" / "clean_FLAIR.nii.gz"
clean.unlink(missing_ok=True)
privacy.clean_copy(practice.path, clean)
same = np.array_equal(volumes.read(clean).data, volumes.read(practice.path).data)
print(len(privacy.reveals(practice.path)), "→", len(privacy.reveals(clean)), "· the same voxels:", same)

# %% [markdown]
# And your own? Of the practice scan you see the words; of your own only where they stand, for a notebook's file keeps
# what a cell has shown until you clear the outputs. (Your predictions of this lesson, and the numbers that they are
# compared with, go into your file of answers; they are measured on the scan.)

# %%
privacy.reveals(mine.path, values=mine.practice)

# %% [markdown]
# Suppose all words are gone. Is the scan anonymous? In a study, 84 people had been scanned from the head's front to its
# back, and had been photographed. Software for recognising faces was asked which MRI and which photographs belong
# together.

# %%
lessons.predict(
    "07.face",
    "For how many of the 84 was the right match its first choice?",
    slider=(0, 84),
    unit="people",
)

# %%
lessons.reveal("07.face", 70, because="83 % (Schwarz et al. 2019). A skull-stripped scan has no face.")

# %%
print("shows a face, or at least a head:", privacy.shows_face(scan))

# %% [markdown]
# Even without a face the folds of a cortex are a person's own, like a fingerprint: who has another scan of the same
# person can match them. A clean copy is less of a risk, and no more than that.

# %% [markdown] tags=["instructor"]
# **Discuss.** A hospital shares "fully anonymised" scans, headers emptied, faces on. What would you ask? And: is a scan
# of a *rare* disease from a *small* town ever anonymous?

# %% [markdown]
# ## 3 · From the scanner to the model
#
# The networks have seen brains without skull, upright, in [0, 1], evenly lit. Your scan is none of that. Each step
# below changes one thing, and keeps in mind where its voxels came from.

# %%
lessons.predict(
    "07.shading",
    "Coils receive best what is near. By how much is the brightest part of this brain brighter than the darkest, "
    "for the same tissue?",
    slider=(0, 200),
    unit="%",
)

# %%
way = preprocessing.steps(scan)
for step in way:
    print(f"{step.name:16} {step.says}")
steps, ready = {step.name: step for step in way}, way[-1].after

# %%
steps["Resample"].figure()

# %% [markdown]
# Resampling makes cubes of flat voxels, upright in the head. It adds no detail: thick slices stay blurred along the
# direction they were thick in, as the coronal and the sagittal view show.

# %%
shaded = steps["Correct shading"].before
field = preprocessing.bias_field(shaded, volumes.brain_mask(shaded))
shading = round(100 * preprocessing.shading(field, volumes.brain_mask(shaded)))
eye = "Your eye forgives that. A network that compares brightness does not."
lessons.reveal("07.shading", shading, because=eye if shading > 10 else "As good as none: somebody took it out already.")

# %%
steps["Correct shading"].figure()

# %% [markdown]
# On the practice scan *after − before* is brown where a coil was near and green where none was. (Folds shine through
# because the scan is *divided*: from bright tissue that takes more.) In the histogram, tissue that lay spread out has
# moved together.
#
# The last step gives brightness a scale: percentile 1 of the brain becomes 0, percentile 99 becomes 0.8, and the room
# above is for what is brighter than healthy tissue. Before, 600 meant nothing; now 0.5 means the same in every scan,
# or nearly.

# %% [markdown]
# Then slices are cut, sixteen of them, at the heights that the networks have learned from. Each is an image of 64 × 64
# pixels, 3.25 mm wide: what is smaller than two of them is mostly lost.

# %%
slices = volumes.slices(ready, lesions=truth)
preprocessing.levels(ready)

# %%
OUTLINED = "Blue: the lesion, as drawn." if truth else "Nobody has drawn lesions here."
plotting.grid(
    slices.images,
    masks=slices.masks,
    caption=f"What the networks see. {OUTLINED}",
    alt=f"Sixteen axial slices of the prepared scan, from the base of the brain to its top. {OUTLINED}",
)

# %% [markdown]
# **Try it:** `preprocessing.steps(scan, method="n4")` takes the field's standard for the shading, if SimpleITK is
# installed. And `preprocessing.figure(scan, ready, same_window=False, show=())` shows the whole way at once.
#
# ## 4 · Three detectors and a promise
#
# A plain threshold on **brightness** (no network at all), a **VAE**, and a **denoising autoencoder**, both shipped
# with the kit and trained on synthetic people alone. Each gets a threshold from healthy synthetic people, at which
# 1 % of their brain lies above. That is the promise.

# %%
END = {"T1w": "", "FLAIR": "-flair"}[mine.contrast]
val = data.load("phantom", split="val", contrast=mine.contrast)
vae, dae = checkpoints.load("vae" + END), checkpoints.load("dae" + END)
SCORES = {"brightness": anomaly.brightness, "VAE": anomaly.scored(vae), "denoising AE": anomaly.scored(dae)}


def cleaned(score, s):
    return anomaly.clean(score(s), s.brain)


def cut_of(score, healthy):
    return anomaly.threshold_at_fpr(cleaned(score, healthy), healthy.brain, fpr=0.01)


cuts = {name: cut_of(score, val) for name, score in SCORES.items()}

# %%
lessons.predict(
    "07.marked",
    "The denoising autoencoder's cut marks 1 % of healthy synthetic brains. How much of this one, lesions aside?",
    slider=(0, 60),
    unit="%",
)

# %%
maps = {name: cleaned(score, slices) for name, score in SCORES.items()}
plotting.rows(
    {"scan": slices.images[2:15:2], **{name: m[2:15:2] for name, m in maps.items()}},
    maps=list(maps),
    masks=slices.masks[2:15:2],
    caption=f"Anomaly maps, each row on its own scale. {OUTLINED}",
    alt="Seven slices and below them the maps of brightness, a VAE and a denoising autoencoder.",
)

# %% [markdown]
# ### Exercise 3: is the promise kept?
#
# `score`, `brain` and `lesion` are arrays of one shape, the last two boolean; `cut` is a number. Return the share of
# the *healthy* brain that lies above the cut. For your own scan nobody has drawn lesions: then `lesion` is `None`, and
# the whole brain counts.


# %% tags=["solution"]
# stub: def alarm_rate(score, cut, brain, lesion):
# stub:     ...  # your turn
def alarm_rate(score, cut, brain, lesion):
    healthy = brain if lesion is None else brain & ~lesion
    return (score > cut)[healthy].mean()


# %%
check.alarm_rate(alarm_rate)

# %%
raw = volumes.slices(shaded, lesions=truth)
print(f"{'promised: 1.0 %':22}{'shading left in':>16}{'prepared':>12}")
for name, score in SCORES.items():
    rates = [metrics.false_positive_rate(cleaned(score, s) > cuts[name], s.masks, s.brain) for s in (raw, slices)]
    print(f"{name:22}{rates[0]:16.1%}{rates[1]:12.1%}")

# %%
marked = metrics.false_positive_rate(maps["denoising AE"] > cuts["denoising AE"], slices.masks, slices.brain)
lessons.reveal("07.marked", round(100 * marked, 1), because="A threshold holds for people and scanners like its own.")

# %% [markdown]
# No one has lied: 1 % holds for synthetic people and the synthetic scanner. On the practice scan the correction brings
# the false alarms down, and still the promise of the denoising autoencoder, the sharpest of the three, does not hold.
# Even without any shading it would mark several per cent: thick, tilted slices have another texture than those it
# learned from. What the correction leaves over, or takes too much, does the rest. Nothing in a map says so.
#
# Where a rate is *below* 1 %, beware as well: the network may draw every brain so smoothly that little stands out,
# lesions included.
#
# And what is found? **Average precision** asks whether the lesion is ranked first; a guess scores the lesion's share of
# the brain. It can be had only where somebody has drawn the lesion.

# %%
if truth:
    print(f"a guess{metrics.prevalence(slices.masks, slices.brain):20.3f}")
    for name in SCORES:
        print(f"{name:22}{metrics.average_precision(maps[name], slices.masks, slices.brain):.3f}")
else:
    print("Nobody has drawn lesions in this scan, so nobody can say what was found. That is how it is in a clinic.")

# %% [markdown]
# On the practice scan, a bright lesion on FLAIR, one line of code is ahead of both networks, as in lesson 06. On a
# patient with small plaques all three may be next to nothing.
#
# ## 5 · Back into the scan's own space
#
# `wholebrain.scan` looks at every level instead of sixteen, puts the maps back into the file's own voxels, and lists
# what hangs together above the threshold.

# %%
found = wholebrain.scan(ready, dae, healthy=val, fpr=0.01)
display(Markdown(wholebrain.table(found, n=5)))
saved = volumes.save(lessons.folder() / "own_brain_map.nii.gz", found.map, like=scan)
print("saved as", saved.name, "in", saved.parent.name, "· voxels", found.map.shape, "as the scan's own")

# %%
wholebrain.figure(found, n=3)

# %% [markdown]
# On the practice scan finding 1 is no finding: more than a quarter of a litre, with the lesion somewhere in it. A
# threshold that does not hold does not just add false alarms, it lets them run together. Here is a higher one:

# %%
Markdown(wholebrain.table(wholebrain.scan(ready, dae, threshold=0.2), n=3))

# %% [markdown]
# Now the lesion stands apart, with half of its true 22 ml; a higher cut leaves less of it. So a volume depends on the
# cut as much as on the patient. And who chose 0.2? We did, knowing the truth: that is an oracle (lesson 06).
#
# ### Exercise 4: how many millilitres?
#
# `component` is a boolean volume, `affine` the scan's own, 4 × 4. Voxels may be tilted, flat and mirrored.


# %% tags=["solution"]
# stub: def volume_ml(component, affine):
# stub:     ...  # your turn
def volume_ml(component, affine):
    return component.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000


# %%
check.volume_ml(volume_ml)

# %% [markdown]
# **Try it.** The saved map lies over the scan in any viewer; here is the kit's. Move the overlay's threshold, and ask
# of each spot: lesion, or merely unlike the training set? How far must you go until only one is left?

# %%
viewer = volume_viewer(
    scan, volumes.read(saved), title=f"{mine.contrast} scan, anomaly map", caption="For teaching, not for clinical use."
)
viewer.look = viewer.look | {"threshold": found.threshold}
viewer

# %% [markdown]
# ### Top and bottom
#
# Now level by level: which share of the brain is marked, from the bottom to the top?

# %%
lessons.predict(
    "07.levels",
    "The share of the brain that the VAE marks is largest…",
    choices=["in the middle of the brain", "at its bottom or its top", "everywhere about the same"],
)

# %%
every, (low, high) = found.slices, found.learnt_mm
shares = {}
for name in ("VAE", "denoising AE"):
    over = (cleaned(SCORES[name], every) > cuts[name]) & every.brain
    shares[name] = (over.sum((1, 2, 3)) / every.brain.sum((1, 2, 3)).clamp(min=1)).numpy()

# %%
figure = plotting.Figure(figsize=(6.5, 3), layout="constrained")
axis = figure.subplots()
axis.axvspan(low, high, color="0.92")
for style, name in zip(("-", "--"), shares, strict=True):
    axis.plot(every.position_mm, 100 * shares[name], style, label=name)
axis.set(xlabel="height z, mm (grey: levels that the networks learned from)", ylabel="of the level marked, %")
axis.legend(frameon=False)
highest = ", ".join(
    f"{name} {one.max():.0%} at {every.position_mm[one.argmax()]:.0f} mm" for name, one in shares.items()
)
figure.alt = f"Share of each level that is marked, highest: {highest}. Learned levels: {low:.0f} to {high:.0f} mm."
figure

# %%
learned = (every.position_mm >= low) & (every.position_mm <= high)
within, beyond = shares["VAE"][learned].mean(), shares["VAE"][~learned].mean()
verdict = "in the middle of the brain" if within > beyond else "at its bottom or its top"
verdict = "everywhere about the same" if max(within, beyond) < 1.3 * min(within, beyond) else verdict
lessons.reveal("07.levels", verdict, because=f"On average {within:.1%} of a level learned, {beyond:.1%} of the others.")

# %% [markdown]
# The lower cerebellum, the medulla, the temporal poles, and the last caps of cortex: the networks learned from 25 to
# 85 % of the brain's height and have never seen these. A star in the table marks what lies there.
#
# ### Exercise 5: levels never seen
#
# `heights` are in mm, `bottom` and `top` the brain's lowest and highest point. Return one boolean a level: `True` where
# the networks have never learned, below 25 % or above 85 % of the brain's height.


# %% tags=["solution"]
# stub: def unseen(heights, bottom, top):
# stub:     ...  # your turn
def unseen(heights, bottom, top):
    share = (heights - bottom) / (top - bottom)
    return (share < 0.25) | (share > 0.85)


# %%
check.unseen(unseen)

# %% [markdown]
# ## 6 · What can go wrong here
#
# Four things that happen to everybody, each done on purpose. First a helper that prints what the kit has to say.


# %%
def told(function, *given, **named):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            result = function(*given, **named)
        except bl.InputError as error:
            result = print("InputError:", error)
    for one in said:
        print("Warning:", one.message)
    return result


def marked_by(score, cut, s):
    over = cleaned(score, s) > cut
    return f"{over[s.brain].float().mean():.1%} of the brain marked"


# %% [markdown]
# ### A network for another contrast
#
# Networks for T1w and for FLAIR have the same shape, and either takes any image without complaint.

# %%
other = {"T1w": "FLAIR", "FLAIR": "T1w"}[mine.contrast]
stranger = checkpoints.load({"T1w": "dae", "FLAIR": "dae-flair"}[other])
people = data.load("phantom", split="val", contrast=other)
told(wholebrain.scan, ready, stranger, healthy=people, spacing_mm=8)
for name, model, healthy in (("right", dae, val), ("wrong", stranger, people)):
    score = anomaly.scored(model)
    ap = metrics.average_precision(cleaned(score, slices), slices.masks, slices.brain) if truth else float("nan")
    print(f"{name} network: {marked_by(score, cut_of(score, healthy), slices)}, AP {ap:.2f}")

# %% [markdown]
# On the practice scan both mark about as much. Only the truth shows how little the wrong one finds; the map does
# not. The warning rests on the file's *name*: call it `T1w.nii.gz`, and nobody warns you.
#
# ### The skull left on
#
# Here is the brain again, in a skull and a scalp that we draw around it.

# %%
head = lessons.with_skull(scan)
told(volumes.slices, head)
plotting.grid(
    volumes.plane(head.data, head.affine, "axial", size=208)[None],
    limits=None,
    caption="The same brain in a drawn skull.",
    alt="An axial slice of a brain inside a dark ring of bone and a bright ring of scalp.",
)

# %% [markdown]
# This kit refuses. One that did not would scale the brightness by the fat of the scalp, and mark the rest.
#
# ### The orientation lost
#
# A program that keeps the array and forgets the affine, as many do:

# %%
image, lost = nib.Nifti1Image.from_filename(practice.path), lessons.folder() / "practice" / "lost_FLAIR.nii.gz"
bare = nib.Nifti1Image(np.asarray(image.dataobj), None)
bare.header.set_zooms(image.header.get_zooms())
nib.save(bare, lost)

# %%
score = anomaly.scored(checkpoints.load("vae-flair"))
cut = cut_of(score, data.load("phantom", split="val", contrast="FLAIR"))
upset = told(volumes.read, lost)
assert upset
as_was, turned = (volumes.slices(preprocessing.steps(one)[-1].after) for one in (volumes.read(practice.path), upset))
print("the VAE, as it was:      ", marked_by(score, cut, as_was))
print("the VAE, orientation lost:", marked_by(score, cut, turned))

# %%
plotting.rows(
    {"as it was": as_was.images[3:14:3], "orientation lost": turned.images[3:14:3]},
    caption="The practice scan read with its affine, and without.",
    alt="Above, axial slices with the nose up. Below, the same file without its affine: upside down, back to front.",
)

# %% [markdown]
# Upside down is seen at once. Left and right exchanged is not, by you or by a network: then the only help is a file
# that says where left is.
#
# ### Another scanner
#
# Last, the failure that has no picture. The networks know phantoms; here is a real brain, if an average one: the
# MNI152 atlas, of 152 healthy people.

# %%
from nilearn import datasets as atlases

atlas, t1w = volumes.slices(volumes.read(atlases.MNI152_FILE_PATH)), data.load("phantom", split="val", contrast="T1w")
for name in ("dae", "vae"):
    score = anomaly.scored(checkpoints.load(name))
    print(f"{name}, promised 1 %: {marked_by(score, cut_of(score, t1w), atlas)}")

# %% [markdown]
# Twice as much for one network, a fraction for the other: **domain shift** goes either way. An average is smoother than
# anybody; on a single person's scan, as on the practice scan above, far more may light up. The mend is healthy people
# from the *same* scanner, for training, or at least for the threshold.

# %% [markdown]
# ## 7 · What it is worth
#
# Suppose there were a *good* detector, far better than ours: it finds 90 % of people who have an incidental finding,
# and raises a false alarm in only 10 % of those who have none. It is let loose on healthy volunteers, of whom 2.7 %
# have one. It raises an alarm for you.

# %%
lessons.predict("07.alarm", "How likely is it that you have an incidental finding?", slider=(0, 100), unit="%")

# %%
ill, sensitivity, false_alarm = 0.027, 0.9, 0.1
right = ill * sensitivity / (ill * sensitivity + (1 - ill) * false_alarm)
lessons.reveal("07.alarm", round(100 * right), because="Four alarms in five are false: nearly everybody is healthy.")

# %% [markdown]
# And ours is not that detector. What the map of this lesson **is**: where, and by how much, a scan differs from what a
# small network makes of synthetic brains. What it is **not**:
#
# - a *finding*: it marks folds, vessels, thick slices and shading like disease;
# - an *all-clear*: plaques of a few millimetres are below its pixels, and what is as bright as its surroundings is not
#   seen at all;
# - a *measurement* of you: another scanner, another map.
#
# A spot that worries you is a question for a doctor, with the original scan (*Before you open your own*, above).

# %% [markdown]
# ## Three questions

# %%
lessons.quiz(
    "07.quiz-own-threshold",
    "To mend the false alarms somebody takes the threshold from the patient: the top 1 % of this very map. Then…",
    {
        "the promise is kept again.": "Kept, but empty: 1 % is marked in everybody, ill or well.",
        "1 % of every brain is marked, ill or well.": "Yes. It has become a rank, and tells nobody that they are well.",
        "the lesion is found for certain.": "Only if it is ranked first, and the shading or a fold may be.",
    },
    right="1 % of every brain is marked, ill or well.",
)

# %%
lessons.quiz(
    "07.quiz-clean",
    "The header is emptied, the file renamed, the skull stripped. May the scan go on the web?",
    {
        "Yes, it is anonymous now.": "The folds of the cortex can be matched with any other scan of the person.",
        "Only with the person's consent.": "Yes: it is less of a risk, and still theirs to decide.",
        "Yes, if the voxels are resampled.": "Resampling moves voxels, not folds: they stay as recognisable.",
    },
    right="Only with the person's consent.",
)

# %%
lessons.quiz(
    "07.quiz-dark",
    "On your own scan the map stays dark everywhere. What do you know?",
    {
        "That my brain is healthy.": "A network that blurs everything alike also leaves a dark map.",
        "That the threshold was too high.": "Perhaps; but from one dark map that cannot be told.",
        "Nothing about health.": "Yes. It is unlike nothing that this network attends to, at 3 mm.",
    },
    right="Nothing about health.",
)

# %% [markdown]
# ## You can now
#
# - **say** where a voxel lies, by one matrix, and where a file keeps names: header, sidecar, file name, face;
# - **prepare** a scan: turn it, strip it, take its shading out, give it a scale; and look at every step;
# - **run** networks on it, with brightness in the first row;
# - **measure** false alarms on this brain: the promised 1 % came from elsewhere;
# - **bring** the map home, count millilitres with the determinant, and say that it is no finding.

# %%
lessons.progress()

# %% [markdown]
# ## How well did you know what you know?
#
# The course asks one more honest measurement, of yourself. Of all that you held 80 % sure, four in five should have
# come true: then you are **calibrated**, which is what lesson 06 asked of a detector. Here are all your predictions
# whose result you have seen.

# %%
lessons.calibration()

# %% [markdown]
# Most people are surer than they have reason to be, and those who are told get better at it. If you took this course in
# a class, `lessons.export(name="a name of your choice")` writes what you may hand in: what is solved and how sure you
# were, without your code and without any number of your scan. Nothing is sent.

# %% [markdown]
# **Further reading**
#
# - Z. Morris et al. 2009, *BMJ* 339:b3016: in people without symptoms, neoplastic incidental findings in 0.70 % and
#   others in 2.0 %; one in every 37 people scanned has some.
# - L. M. Gibson et al. 2018, *BMJ* 363:k4577: *potentially serious* ones in 1.4 % of brain scans of people without
#   symptoms, and what became of them.
# - C. G. Schwarz et al. 2019, *New England Journal of Medicine* 381:1684: 70 of 84 people recognised from their MRI by
#   face-recognition software.
# - K. Van Leemput et al. 1999, *IEEE Transactions on Medical Imaging* 18:885: tissue classes and shading estimated in
#   turn, which is what this lesson's correction does.
# - N. J. Tustison et al. 2010, *IEEE Transactions on Medical Imaging* 29:1310: N4, the correction that most people use.
# - F. Meissen et al. 2021, arXiv:2109.06023: on FLAIR, a threshold on brightness outperforms most networks.
