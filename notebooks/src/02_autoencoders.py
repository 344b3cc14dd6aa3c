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
# # 02 · Autoencoders
#
# Squeeze a brain through a few numbers and rebuild it from them. A network that has practised this on healthy brains
# alone has no words for a lesion: it rebuilds what *should* have been there, and the difference lights up.
#
# **You will be able to**
#
# - *explain* what a bottleneck does, and count how tight it is;
# - *write* the reconstruction loss, in nats, and know what its unit means;
# - *train* an autoencoder on healthy slices and watch it learn;
# - *turn* a residual into a lesion mask with a threshold that only healthy people have set;
# - *judge* it honestly: beside a plain intensity threshold, and beside JPEG, and where it fails.
#
# **Time** 45 minutes, of which the computer needs about two. **Builds on** 00 (contrast, splits, threshold) and
# PyTorch's basics: tensors, modules, gradients.
#
# *For teaching, not for clinical use.*

# %% [markdown] tags=["instructor"]
# **For the instructor.** 45 minutes: bottleneck 5, loss 7, training 6, residual 6, threshold 6, failures 7, table and
# compression 5, real scan 3. Training takes 30 to 40 s on two cores; talk through the loss curve's axes meanwhile. The
# synthetic people are grown at the first run (a minute or two in all) and cached: run the setup cells before the class.
#
# The one sentence to leave them with: *a residual is large where the model is wrong, and a model may be wrong for other
# reasons than disease.*

# %% [markdown]
# ## Set up

# %%
import brainlab as bl
import numpy as np
import torch
from brainlab import anomaly, checkpoints, data, lesions, lessons, losses, metrics, plotting, training, volumes
from brainlab.lessons import check
from brainlab.models.denoising import coarse_noise
from brainlab.widgets import time_machine, volume_viewer

DATA, CONTRAST = "phantom", "T1w"

# %% [markdown]
# Healthy people to learn from (`train`) and to set thresholds with (`val`); others, each healthy *and* with every
# lesion, to look at and to choose with (`dev`). A fourth group, `test`, stays closed until the end.

# %%
train, val, dev = (data.load(DATA, split=name, contrast=CONTRAST) for name in ("train", "val", "dev"))
dev = data.with_lesions(dev)  # a folder of healthy people, if you name one, is given lesions; the phantom has them
print(len(train), "training slices of", len(set(train.subjects)), "people ·", tuple(train.images.shape[1:]))

# %% [markdown]
# On T1w most lesions are *darker* than their surroundings, and a detector of bright pixels is no help. We follow
# tumours through the lesson; `cases` holds the slice with the largest cut through the lesion, for each of eight
# people. The first of them is **our patient** from lesson 00.


# %%
def cases(visit, people=8):
    sick = dev.where(visit=visit)
    area = sick.masks.flatten(1).sum(1)
    names = np.array(sick.subjects)
    return sick[[max(np.flatnonzero(names == name), key=lambda i: area[i]) for name in np.unique(names)[:people]]]


dark, patient = cases("tumour-hypo"), lessons.patient(dev)
plotting.grid(
    torch.cat([train.images[8:135:16], dark.images]),
    caption="Synthetic T1w. Above: healthy training slices. Below: a dark tumour in each; this is what must light up.",
    alt="A row of eight healthy axial slices, and below it eight slices with a dark mass in each.",
)

# %% [markdown]
# ## 1 · The bottleneck
#
# An autoencoder is two networks. The **encoder** turns an image $x$ into a short vector $z$, the *code*; the
# **decoder** turns the code into an image $\hat x$, the *reconstruction*:
#
# $$ z = f(x), \qquad \hat x = g(z). $$
#
# Nothing passes from $x$ to $\hat x$ but $z$. That is the **bottleneck**.

# %%
torch.manual_seed(0)
config = bl.ModelConfig(image_size=64, latent_dim=32)
ae = bl.Autoencoder(config)
x = train.images[:5]
z = ae.embed(x)
print("image", tuple(x.shape), "→ code", tuple(z.shape), "→ reconstruction", tuple(ae.decode(z).shape))

# %% [markdown]
# ### Exercise 1: how tight is it?
#
# How many pixels have to share one number of the code?

# %% tags=["solution"]
# stub: squeeze = ...  # your turn
squeeze = 64 * 64 / 32

# %%
check.squeeze(squeeze)

# %% [markdown]
# `check.squeeze.hint()` helps, more at each call; `check.squeeze.solution()` shows one answer. Unanswered exercises
# never stop the notebook.

# %% [markdown]
# ## 2 · What the network is asked for
#
# To rebuild each image as closely as it can: the **squared error**, added up over the pixels of an image and averaged
# over the batch,
#
# $$ \mathrm{SSE} = \frac{1}{B} \sum_{b=1}^{B} \sum_{i} \left( x_{bi} - \hat x_{bi} \right)^2 . $$
#
# ### Exercise 2: write it
#
# `x` and `x_hat` have the shape (B, 1, H, W).


# %% tags=["solution"]
# stub: def sse(x, x_hat):
# stub:     ...  # your turn
def sse(x, x_hat):
    return ((x - x_hat) ** 2).flatten(1).sum(dim=1).mean()


# %%
check.sse(sse)

# %% [markdown] tags=["instructor"]
# **Where students stumble.** Almost everybody writes `.mean()` over everything, as `F.mse_loss` does. For an
# autoencoder it only changes the learning rate. In lesson 03 a second term joins in, and then a mean over 4,096
# pixels quietly multiplies that term's weight: the most copied error in VAE code. Say now that it will matter.

# %% [markdown]
# Why squares? Because they are what a **Gaussian** makes of it. Say that, given its code, each pixel lies around
# $\hat x_i$ with standard deviation $\sigma$. With $D$ pixels, the negative logarithm of that density is
#
# $$ -\log p(x \mid z) = \frac{\lVert x - \hat x \rVert^2}{2\sigma^2} + \frac{D}{2}\log\left(2\pi\sigma^2\right), $$
#
# in **nats** an image (Kingma and Welling 2014, appendix C.2). Here it is once in full, and it equals the kit's:

# %%
sigma, D = 0.05, 64 * 64
x_hat = ae(x)
error = ((x - x_hat) ** 2).flatten(1).sum(dim=1).mean()
nats = error / (2 * sigma**2) + D / 2 * np.log(2 * np.pi * sigma**2)
assert torch.isclose(nats, losses.gaussian_nll(x, x_hat, sigma))
print(f"untrained: {nats.item():,.0f} nats an image")

# %% [markdown]
# A good model will go *below zero*: a density, unlike a probability, may exceed 1. Divide by $\ln 2$ for bits.

# %% [markdown]
# ## 3 · Training, on healthy brains only
#
# Before you train, think one step further: what will this network make of a slice **with** a lesion?

# %%
lessons.predict(
    "02.rebuild",
    "Trained on healthy brains only, the network is shown a dark tumour. Its reconstruction will show…",
    choices=["the tumour, about as dark", "mostly healthy tissue in its place", "rubbish everywhere"],
)

# %%
EPOCHS, held_out, frames = 9, [], {}


def watch(epoch, numbers):
    held_out.append(float(losses.gaussian_nll(val.images, anomaly.reconstruct(ae, val.images), sigma)))
    if epoch in (1, 3, EPOCHS):
        frames[f"epoch {epoch}"] = anomaly.reconstruct(ae, dark.images)


step = training.ae_step(ae, lr=2e-3, sigma=sigma)
history = training.fit(step, data.Batches(train.images, 32), epochs=EPOCHS, on_epoch=watch)

# %%
plotting.curves(
    {"training people": history["loss"], "other people": held_out},
    alt="Two falling curves, nats an image against the epoch: people trained on, and people the network never saw.",
)

# %% [markdown]
# Two curves, because the one that counts is the second: people the network has never met. While it falls, the network
# learns *brains*; should it rise while the first goes on falling, the network is learning *these people*.

# %%
plotting.rows(
    {"image": dark.images, **frames},
    masks=dark.masks,
    caption="Synthetic. Above: what the network sees. Below: what it makes of it, epoch by epoch. Blue: the tumour.",
    alt="Slices with dark tumours and their reconstructions: first a blurred oval, later ventricles and white matter.",
)

# %% [markdown]
# In our phantoms each sick slice has a healthy **twin**: same person, same noise, no lesion. So we can ask exactly:
# what share of the tumours' darkness comes through the bottleneck?


# %%
def kept(model, visit):
    ill, well = dev.where(visit=visit), dev.where(visit="healthy")
    change = anomaly.reconstruct(model, ill.images) - anomaly.reconstruct(model, well.images)
    return float(change[ill.masks].mean() / (ill.images - well.images)[ill.masks].mean())


through = kept(ae, "tumour-hypo")
print(f"{through:.0%} of the tumours' darkness comes through")

# %%
verdict = "mostly healthy tissue in its place" if through < 0.5 else "the tumour, about as dark"
lessons.reveal("02.rebuild", verdict, because="The code has few words for what no healthy brain has.")

# %% [markdown]
# ## 4 · From the residual to an anomaly map
#
# The **residual** $r = x - \hat x$ is signed: positive where the image is brighter than expected. The **anomaly map**
# $a = |r|$ is not, and is 0 outside the brain.
#
# ### Exercise 3: the anomaly map


# %% tags=["solution"]
# stub: def anomaly_map(x, x_hat, brain):
# stub:     ...  # your turn
def anomaly_map(x, x_hat, brain):
    return (x - x_hat).abs() * brain


# %%
check.anomaly_map(anomaly_map)

# %%
trio = [cases("tumour-hyper")[:1], cases("tumour-iso")[:1], patient]
x, mask, brain = (torch.cat([getattr(one, field) for one in trio]) for field in ("images", "masks", "brain"))
x_hat = anomaly.reconstruct(ae, x)
assert torch.equal((x - x_hat).abs() * brain, anomaly.anomaly_map(ae, x, brain))

# %%
residual = (x - x_hat) * brain
plotting.rows(
    {"image": x, "reconstruction": x_hat, "residual": residual, "anomaly map": residual.abs()},
    maps=["anomaly map"],
    masks=mask,
    columns=["bright", "iso-intense", "dark"],
    caption="Synthetic. Our patient's tumour in three brightnesses; blue: the truth.",
    alt="Image, reconstruction, residual and anomaly map of a tumour, bright, iso-intense and dark.",
)

# %% [markdown]
# Look at the residual's colours, green above zero and brown below: the bright tumour is positive, the dark one
# negative, the iso-intense one faint. And look *outside* the outline: folds of the cortex that 32 numbers
# cannot describe light up as well. To the map they are anomalies like any other, and they are most of what it shows.
#
# ### Areas and lines
#
# A fold leaves *thin* errors: a dark line expected here lies one pixel over there. A lesion leaves an *area*. A
# **median filter** (each pixel becomes the median of its neighbourhood) wipes out lines and keeps areas.

# %%
lessons.predict(
    "02.median",
    "With a median filter of 5 × 5 pixels on the anomaly map, dark tumours are found…",
    choices=["much better", "about as well", "worse, for the map is blurred"],
)

# %%
ill = dev.where(visit="tumour-hypo")
raw = anomaly.anomaly_map(ae, ill.images, ill.brain)
ap = {width: metrics.average_precision(anomaly.median(raw, width), ill.masks, ill.brain) for width in (1, 3, 5)}
print(" · ".join(f"{width} × {width}: AP {value:.2f}" for width, value in ap.items()))

# %%
gain = ap[5] / ap[1]
verdict = "much better" if gain > 1.2 else "worse, for the map is blurred" if gain < 1 / 1.2 else "about as well"
lessons.reveal("02.median", verdict, because="No training was needed for that, only a thought about shapes.")

# %% [markdown]
# **Average precision** (AP) is, over all thresholds, how clean the top of the ranking is. 1 is perfect; guessing
# scores the *prevalence*, the share of brain pixels that are lesion.

# %% [markdown]
# ## 5 · From the map to a mask
#
# A threshold, by the same rule as in lesson 00: 5 % false positives on healthy people.
#
# ### Exercise 4: a detector
#
# Return a boolean map. You are handed everything there is; use only what you may.


# %% tags=["solution"]
# stub: def detect(healthy_maps, healthy_brain, maps, masks, fpr):
# stub:     ...  # your turn
def detect(healthy_maps, healthy_brain, maps, masks, fpr):
    return maps > anomaly.threshold_at_fpr(healthy_maps, healthy_brain, fpr)


# %%
check.detect(detect)

# %% [markdown]
# Now every method becomes one function, from slices to maps. Two without a network come first, as always: brightness
# itself, whose "map" is the image, and darkness, which is what is missing to white. All maps are tidied alike: the same
# median filter, and the brain's **rim**, where every model errs, is scored 0.


# %%
def tidy(maps, s):
    return anomaly.median(maps * s.brain, 5) * anomaly.erode(s.brain)


def by_brightness(s):
    return tidy(s.images, s)


def by_darkness(s):
    return tidy(1 - s.images, s)


def by_model(model):
    return lambda s: tidy(anomaly.anomaly_map(model, s.images, s.brain), s)


# %%
cut = anomaly.threshold_at_fpr(by_model(ae)(val), val.brain, fpr=0.05)
plotting.overlay(
    dark.images,
    by_model(ae)(dark),
    dark.masks,
    above=cut,
    columns=4,
    caption="Synthetic. Coloured: above the threshold. Blue: the truth.",
    alt="Eight slices with dark tumours. Most are coloured at least in part; so are spots of healthy cortex.",
)

# %% [markdown]
# ### How good is that?
#
# **Dice** is the overlap of prediction and truth, $2|P \cap M| / (|P| + |M|)$, at this one threshold: for each
# person, then averaged. Beside it stands the AP.


# %%
def dice_by_person(prediction, s):
    names = np.array(s.subjects)
    return np.nanmean([metrics.dice(prediction[names == n], s.masks[names == n]) for n in np.unique(names)])


def row(name, method, s, kind="tumour"):
    cut, cells = anomaly.threshold_at_fpr(method(val), val.brain, fpr=0.05), []
    for style in ("hyper", "iso", "hypo"):
        part = s.where(visit=f"{kind}-{style}")
        maps = method(part)
        cells += [metrics.average_precision(maps, part.masks, part.brain), dice_by_person(maps > cut, part)]
    print(f"{name:22}" + "".join(f"{value:8.2f}" for value in cells))


HEAD = f"{'':22}{'bright':>16}{'iso':>16}{'dark':>16}\n{'':22}" + 3 * "      AP    Dice"

# %%
lessons.predict(
    "02.bright",
    "Bright tumours: which has the higher average precision?",
    choices=["brightness itself", "the autoencoder", "within 0.02 of each other"],
)

# %%
print(f"Guessing has an AP of about {metrics.prevalence(ill.masks, ill.brain):.2f}\n\n{HEAD}")
row("brightness itself", by_brightness, dev)
row("darkness itself", by_darkness, dev)
row("autoencoder, z = 32", by_model(ae), dev)

# %%
lit = dev.where(visit="tumour-hyper")
plain, auto = (metrics.average_precision(m(lit), lit.masks, lit.brain) for m in (by_brightness, by_model(ae)))
names = "within 0.02 of each other", "brightness itself", "the autoencoder"
verdict = names[0 if abs(plain - auto) < 0.02 else 1 if plain > auto else 2]
lessons.reveal("02.bright", verdict, because="These tumours are brighter than anything healthy: that is easy to say.")

# %% [markdown]
# What the network adds is *one* rule for bright and dark. A cut on intensity finds one kind and ranks the other last,
# so to choose it is to know beforehand what to look for. In the last columns the network ranks **dark** tumours
# better than darkness itself does, which every sulcus leads astray: that is the AP. But look at the Dice beside it. At
# this one threshold, 5 % false positives, the gain is small or none: most of what either marks is healthy.
#
# Where it adds little stands in the middle: **iso-intense** tumours. A residual is a difference of *intensity*; where
# a lesion is as bright as the tissue expected there, the difference is nil, however well the network rebuilds (Meissen
# et al. 2022).

# %% [markdown]
# ## 6 · What can go wrong here
#
# ### A network that has learned nothing
#
# Many networks start with a last layer of zeros. Their reconstruction is black, so the residual is… the image.

# %%
untrained = bl.Autoencoder(config)
for parameter in untrained.decoder[-1].parameters():
    torch.nn.init.zeros_(parameter)
print(HEAD)
row("brightness itself", by_brightness, dev)
row("untrained", by_model(untrained), dev)

# %% [markdown]
# The rows agree: this network *is* a threshold on brightness. On bright tumours it beats the one we trained. Had we no
# first row in the table, we might have published it.
#
# ### A network without a bottleneck
#
# Keep the code an image: 32 maps of 16 × 16 make 8,192 numbers for 4,096 pixels. There is room for everything.


# %%
class Spacious(bl.Autoencoder):
    def __init__(self, config):
        super().__init__(config)
        conv, up, relu = torch.nn.Conv2d, torch.nn.ConvTranspose2d, torch.nn.ReLU()
        self.encoder = torch.nn.Sequential(conv(1, 16, 4, 2, 1), relu, conv(16, 32, 4, 2, 1))
        self.decoder = torch.nn.Sequential(up(32, 16, 4, 2, 1), relu, up(16, 1, 4, 2, 1))


# %%
lessons.predict(
    "02.spacious",
    "It will rebuild unseen healthy people better than our autoencoder. Dark tumours it will find…",
    choices=["better", "about as well", "worse"],
)

# %%
torch.manual_seed(0)
spacious = Spacious(config)
training.fit(training.ae_step(spacious, lr=2e-3, sigma=sigma), data.Batches(train.images, 32), epochs=3)
for name, model in {"z = 32": ae, "no bottleneck": spacious}.items():
    error = losses.squared_error(val.images, anomaly.reconstruct(model, val.images))
    print(f"{name:14} squared error {error:5.1f} · of a dark tumour {kept(model, 'tumour-hypo'):.0%} comes through")

# %%
print(HEAD)
row("darkness itself", by_darkness, dev)
row("autoencoder, z = 32", by_model(ae), dev)
row("no bottleneck", by_model(spacious), dev)

# %%
narrow, wide = (metrics.average_precision(by_model(m)(ill), ill.masks, ill.brain) for m in (ae, spacious))
verdict = "about as well" if abs(narrow - wide) < 0.02 else "better" if wide > narrow else "worse"
lessons.reveal(
    "02.spacious", verdict, because="It copies what it sees, lesions too: better rebuilt is not better found."
)

# %%
copies = {"z = 32": anomaly.reconstruct(ae, x), "no bottleneck": anomaly.reconstruct(spacious, x)}
plotting.rows(
    {"image": x, **copies},
    masks=mask,
    columns=["bright", "iso-intense", "dark"],
    caption="Synthetic. Without a bottleneck the tumour is copied.",
    alt="A tumour, bright, iso-intense and dark. The narrow network mostly leaves it out, the wide one copies it.",
)

# %% [markdown]
# So the width of the bottleneck is the decision that matters: too wide, and the lesion is copied; too narrow, and
# every fold is an anomaly. **Try it:** the time machine holds seven autoencoders, with 2 to 128 numbers, trained alike.
# Move the slider and watch the ventricles, the folds, and the curve of what each is worth.

# %%
time_machine("latent")

# %% [markdown]
# ### A way out: give it something to clean
#
# Without a bottleneck a network copies, unless copying does not pay. A **denoising** autoencoder gets the image with
# blotches of coarse noise and is asked for the image *without* (Kascenas et al. 2022). It has no bottleneck at all, and
# must know what a brain looks like all the same. Here is the one that ships with the kit; a lesion is one more blotch.

# %%
dae, blotches = checkpoints.load("dae"), 0.2 * coarse_noise(patient.images.shape, torch.Generator().manual_seed(3))
soiled = torch.cat([val.images[7:8] + blotches * val.brain[7:8], patient.images])
cleaned = anomaly.reconstruct(dae, soiled)
plotting.rows(
    {"shown": soiled, "cleaned": cleaned, "residual": soiled - cleaned},
    columns=["healthy, soiled", "our patient"],
    caption="Synthetic. What the denoising autoencoder takes for dirt.",
    alt="Two slices, one with blotches and one with a dark tumour; the network wipes off the blotches, and the tumour "
    "in part; the residual shows what it took away.",
)

# %%
print(HEAD)
row("autoencoder, z = 32", by_model(ae), dev)
row("denoising autoencoder", by_model(dae), dev)

# %% [markdown]
# It rebuilds folds sharply, so fewer of them light up, and it does best of all on what is *iso-intense*. The network
# has learned what a lesion looks like after all, though from blotches that we made up: where the next lesion is of
# another kind, that bet may fail.
#
# ### An oracle
#
# Many papers report the threshold with the best Dice *on the test masks*. Here is what that adds.

# %%
maps = by_model(ae)(ill)
oracle = max(np.linspace(0.02, 0.6, 30), key=lambda at: dice_by_person(maps > at, ill))
for name, at in {"5 % on healthy people": cut, "oracle (upper bound)": oracle}.items():
    print(f"{name:22} threshold {at:.2f}   Dice {dice_by_person(maps > at, ill):.2f}")

# %% [markdown]
# The second number is an **upper bound** and must be called one: it needed the masks that the method is there to
# find. Part of the gap is policy, though: 5 % false positives is a lot where lesions fill 2 % of the brain. Try
# `fpr=0.01`.

# %% [markdown] tags=["instructor"]
# **Discuss.** Which threshold would a radiologist want who reads every scan anyway, and which a screening programme?
# The false-positive rate is a decision about people; the oracle hides that there was one.

# %% [markdown]
# ## 7 · The final table, once
#
# All choices are made. Now open `test`: forty other people. Before the network stands **PCA** with 32
# components: no *linear* autoencoder with 32 numbers has a smaller squared error on what it was fitted to (Baldi and
# Hornik 1989).

# %%
mean = train.images.flatten(1).mean(0)
_, _, axes = torch.pca_lowrank(train.images.flatten(1), q=32)


def pca_rebuilt(images):
    d = images.flatten(1) - mean
    return (mean + d @ axes @ axes.T).view_as(images)


def pca_map(s):
    return (s.images - pca_rebuilt(s.images)).abs() * s.brain


def by_pca(s):
    return tidy(pca_map(s), s)


# %%
test = data.with_lesions(data.load(DATA, split="test", contrast=CONTRAST))
print(HEAD)
row("brightness itself", by_brightness, test)
row("darkness itself", by_darkness, test)
row("PCA, 32 components", by_pca, test)
row("autoencoder, z = 32", by_model(ae), test)

# %% [markdown]
# Look at PCA before you praise the network: most of what there is to gain comes from the bottleneck, and little from
# its being deep. With 120 people to learn from that is no shame, and worth knowing.
#
# And the other lesions?

# %%
print(HEAD)
for kind in ("infarct", "ms"):
    row(f"{kind}: brightness", by_brightness, test, kind)
    row(f"{kind}: darkness", by_darkness, test, kind)
    row(f"{kind}: autoencoder", by_model(ae), test, kind)

# %% [markdown]
# Infarcts are found less well than tumours: they end at the brain's surface, where all methods are blind and folds are
# most. Plaques are hardly found at all: many are narrower than two pixels, and a 5 × 5 median takes them for lines. The
# filter that helped with one disease harms with another; to choose it, you had to know what you were looking for.
#
# One training run on synthetic people shows *how* these methods fail, not how they rank in a clinic; where ranks are
# at stake, one trains several times and gives intervals over people. On real FLAIR of multiple sclerosis (MSLUB) a
# dense autoencoder reached a Dice of 0.271 and an intensity threshold 0.374, both with an oracle threshold (Meissen
# et al. 2021).

# %% [markdown]
# ### The table that grows
#
# The same four on `dev`, kept in your own file: lessons 03 to 05 add a row for each model, and in lesson 06 you stand
# before the whole table. (PSNR says how well unseen healthy people are rebuilt: 20 dB is an error of 0.1 a pixel, 6 dB
# more is half of that.) A method that rebuilds nothing has no PSNR.

# %%
psnr = {
    "PCA, z = 32": metrics.psnr(val.images, pca_rebuilt(val.images)),
    "autoencoder, z = 32": metrics.psnr(val.images, anomaly.reconstruct(ae, val.images)),
}
lessons.keep_row("02", "brightness", **lessons.tumours(anomaly.brightness, dev))
lessons.keep_row("02", "darkness", **lessons.tumours(anomaly.darkness, dev))
lessons.keep_row("02", "PCA, z = 32", psnr=psnr["PCA, z = 32"], **lessons.tumours(pca_map, dev))
lessons.keep_row(
    "02", "autoencoder, z = 32", psnr=psnr["autoencoder, z = 32"], **lessons.tumours(anomaly.scored(ae), dev)
)

# %% [markdown]
# ## 8 · Thirty-two numbers as a file
#
# A code *is* a compressed image. Round each of the 32 numbers to 8 bits and it takes 256 bits for 4,096 pixels, 0.0625
# **bits a pixel**. How good is that? Beside it JPEG, at its lowest qualities. A JPEG file starts with a header (sizes,
# tables) of some 170 bytes, which weighs on so small an image: so we count it once with, once without.

# %%
from io import BytesIO
from PIL import Image


def jpeg(image, quality):
    file = BytesIO()
    Image.fromarray((255 * image[0]).round().byte().numpy()).save(file, "JPEG", quality=quality, optimize=True)
    data = file.getvalue()
    scan = data.index(b"\xff\xda")  # where the header ends, but for this segment, which tells its own length
    return len(data), scan + 2 + int.from_bytes(data[scan + 2 : scan + 4]), torch.tensor(np.array(Image.open(file)))


# %%
with torch.no_grad():
    codes, z = ae.embed(train.images), ae.embed(val.images)
    low, high = codes.amin(0), codes.amax(0)  # known to both sides, from training people
    eight_bits = ((z - low) / (high - low) * 255).round().clamp(0, 255)
    sent = ae.decode(low + eight_bits / 255 * (high - low))
print(f"{'':22}bits a pixel  without header   PSNR, dB")
print(f"{'32 numbers of 8 bits':22}{256 / 4096:12.4f}{256 / 4096:16.4f}{metrics.psnr(val.images, sent):11.1f}")
for quality in (1, 5, 10, 25):
    whole, header, images = zip(*(jpeg(image, quality) for image in val.images))
    bits, bare = 8 * np.mean(whole) / 4096, 8 * np.mean(np.subtract(whole, header)) / 4096
    found = metrics.psnr(val.images, torch.stack(images)[:, None] / 255)
    print(f"JPEG, quality {quality:<8}{bits:12.4f}{bare:16.4f}{found:11.1f}")
print(f"the decoder, which the receiver must have: {sum(p.numel() for p in ae.decoder.parameters()):,} numbers")

# %% [markdown]
# Rounding costs next to nothing. For about the same PSNR, JPEG at its lowest quality takes nearly twice the bits, and
# seven times as many with its header. The network saves them because it knows *brains*, where JPEG knows any picture.
# That is no triumph of depth: PCA's 32 numbers cost the same, and in the table above it rebuilds better. And the
# receiver needs the decoder, as large as a thousand such files. Lastly, JPEG gets better the more bits it is given, a
# tumour included; 32 numbers never do, and just that is what we use here.

# %% [markdown]
# ## 9 · A real scan, from a file
#
# Now a scan as it would come to you: a NIfTI file, of any size and voxel width. `SCAN` is a patient with multiple
# sclerosis where this computer has real data, else the MNI152 atlas: a real brain, if an average one. Or give the
# path of a skull-stripped T1w scan of your own.

# %%
import os
from pathlib import Path

from nilearn import datasets as atlases

REAL = os.environ.get("BRAINLAB_REAL_DATA")
SCAN = Path(REAL, "ms_lesions_mni", "patient07", "T1.nii.gz") if REAL else Path(atlases.MNI152_FILE_PATH)
scan = volumes.read(SCAN)
new = volumes.slices(scan, size=64)
print(SCAN.name, scan.data.shape, "voxels →", len(new), "slices")

# %% [markdown]
# So that there is something to find, and a truth to find it by, the kit can also put a lesion *into* a finished image.

# %%
middle = new[6:14]
put = [lesions.insert(i, b, "tumour", seed=4, contrast="hypo") for i, b in zip(middle.images, middle.brain)]
seen, truth = torch.stack([one.image for one in put]), torch.stack([one.mask for one in put])
rebuilt = anomaly.reconstruct(ae, seen)
plotting.rows(
    {"scan": seen, "reconstruction": rebuilt, "residual": (seen - rebuilt) * middle.brain},
    masks=truth,
    caption=f"{SCAN.name}, with an artificial tumour. For teaching, not for clinical use.",
    alt="Eight slices of a scan with an inserted dark mass, reconstructions, and residuals dark at the mass.",
)

# %% [markdown]
# It lights up, and so does much else. How much of a scan is called a lesion? Take this one as it came:

# %%
maps = by_model(ae)(new)
print(f"promised: 5 % of a healthy brain · called a lesion here: {(maps > cut)[new.brain].float().mean():.0%}")

# %% [markdown]
# The 5 % hold for people like those of `val`, who are synthetic. Any other figure, be it more or less, is **domain
# shift**: a patient's cortex folds in ways the network has no words for, which makes it more; an average brain is
# smoother than anybody's, which can make it less. Mending it takes healthy people from the same scanner, for training
# or at least for the threshold.
#
# The map goes back into the scan's **own** space, voxel for voxel, and is saved beside your answers, so that any
# viewer can lay one over the other. Move the overlay's threshold and ask of each spot: lesion, or merely unlike the
# training set?

# %%
in_scan = volumes.to_volume(maps, new, like=scan)
saved = volumes.save(lessons.folder() / "anomaly_map.nii.gz", in_scan, like=scan)
viewer = volume_viewer(
    scan, volumes.read(saved), title=f"{SCAN.name}, anomaly map", caption="For teaching, not for clinical use."
)
viewer.look = viewer.look | {"threshold": cut}
viewer

# %% [markdown]
# ### The wrong contrast
#
# Shift at its plainest: healthy people from the same population, but FLAIR, for a network that knows T1w.

# %%
flair = data.load("phantom", split="val", contrast="FLAIR")
wrong = by_model(ae)(flair)
print(f"called a lesion in healthy people, FLAIR: {(wrong > cut)[flair.brain].float().mean():.0%}")

# %% [markdown]
# No error, no warning, only a confident map. Train and test in the same contrast, and look at your pictures.

# %% [markdown]
# ## Three questions

# %%
lessons.quiz(
    "02.quiz-loss",
    "A colleague trains with the mean over pixels and batch instead of sum and mean. For this autoencoder that…",
    {
        "makes the reconstructions blurrier.": "The minimum is in the same place: the loss is only scaled.",
        "scales the loss and leaves its minimum.": "Yes. In a VAE it would upset the balance with the second term.",
        "is no longer a likelihood of anything.": "It is the same likelihood, divided by 4,096.",
    },
    right="scales the loss and leaves its minimum.",
)

# %%
lessons.quiz(
    "02.quiz-wide",
    "Network A rebuilds unseen healthy people better than network B. Which one finds lesions better?",
    {
        "A, its residual is cleaner.": "On the lesion too: remember the network without a bottleneck.",
        "B, it is forced to leave things out.": "If B cannot rebuild the cortex either, the lesion drowns.",
        "That cannot be told from healthy people.": "Yes. It must be measured, on people with lesions.",
    },
    right="That cannot be told from healthy people.",
)

# %%
lessons.quiz(
    "02.quiz-iso",
    "Could a perfect network, which rebuilds exactly the healthy twin, find an iso-intense lesion from its residual?",
    {
        "Yes, it shows every difference.": "Within the cortex there is none: lesion and cortex are equally bright.",
        "Where it replaces tissue of another brightness.": "Yes: in white matter or fluid it differs from its twin.",
        "No, never.": "Where it lies in white matter, its twin is brighter there: that part shows.",
    },
    right="Where it replaces tissue of another brightness.",
)

# %% [markdown]
# ## You can now
#
# - **explain** the bottleneck: 128 pixels to a number, and no way round it;
# - **write** the loss, a sum over pixels and a mean over the batch, and read it in nats;
# - **train** on healthy people and watch the curve of those never seen;
# - **turn** a residual into a mask with a threshold that owes nothing to the test;
# - **judge** it: dark tumours ranked better than by darkness, bright ones worse than by brightness, iso-intense ones
#   all but unseen; fewer bits than JPEG, for brains alone; copying and domain shift named.

# %%
lessons.progress()

# %% [markdown]
# **Next** a question this network cannot answer: *how sure* are you? Its code is a point. Lesson 03 turns it into a
# distribution.
#
# **Further reading**
#
# - G. E. Hinton, R. R. Salakhutdinov 2006, *Science* 313:504: deep autoencoders give codes that work much better than
#   PCA's.
# - P. Baldi, K. Hornik 1989, *Neural Networks* 2:53: a linear autoencoder's error has no local minima but the global
#   one, at the principal components.
# - D. P. Kingma, M. Welling 2014, *Auto-encoding variational Bayes*, arXiv:1312.6114: appendix C.2 is the Gaussian
#   decoder.
# - A. Kascenas et al. 2022, *Denoising autoencoders for unsupervised anomaly detection in brain MRI*, MIDL: coarse
#   noise makes a plain denoising autoencoder a strong detector.
# - C. Baur et al. 2021, *Medical Image Analysis* 69:101952: compares autoencoders of many kinds for lesions in brain
#   MRI, in one architecture.
# - F. Meissen et al. 2021, arXiv:2109.06023: a threshold on equalised FLAIR intensities outperforms them.
# - F. Meissen et al. 2022, *On the pitfalls of using the residual error as anomaly score*, MIDL: even a perfect
#   reconstruction misses anomalies whose intensity is normal.
