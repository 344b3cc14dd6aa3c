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
# # 05 · VAE-GANs
#
# A VAE's brains are blurred. That is no fault of its training: blur is what its loss asks for. A VAE-GAN lets a
# discriminator have a say, and its brains are sharp. Whether what is sharp is also *true* is another question, and
# this lesson measures both.
#
# **You will be able to**
#
# - *explain* why squared error on pixels asks for blur, and what sharpness costs;
# - *measure* how sharp a reconstruction is, and how much of what is sharp is true;
# - *write* likeness in a discriminator's features, and the objectives of three networks;
# - *read* γ off a picture, and the balance of the players off a curve;
# - *judge* whether a sharper model finds lesions better.
#
# **Time** 45 minutes, of which the computer needs about two. **Builds on** 03 (the KL term, z drawn from N(0, I)) and
# 04 (the discriminator's two costs, −log D).
#
# *For teaching, not for clinical use.*

# %% [markdown] tags=["instructor"]
# **For the instructor.** 45 minutes: blur 6, sharpness 5, features 4, three objectives 10, γ 7, training 4, lesions 4,
# what can go wrong and the quiz 5. Run the setup and section 6 before the class, or let section 6 train while you talk
# about its axes.
#
# The moment of this lesson is the slider in section 5. Have it open at γ = 1 on the projector before they come in.
#
# The one sentence to leave them with: *blur says "I do not know"; texture never does.*

# %% [markdown]
# ## Set up
#
# Healthy people (`train`, and `well` of `dev`), the patient whom we follow through the course, and their `twin`: the
# same slice without the tumour. Five VAE-GANs that differ in one number, γ, come with the kit, beside the VAE of lesson
# 03. They have learned on the phantom's T1w: if you name other `DATA`, you see what they make of brains that they do
# not know, and only the training in section 6 is on yours.

# %%
import numpy as np
import torch
from brainlab import anomaly, checkpoints, data, latent, lessons, losses, metrics, plotting, training
from brainlab import quality, scorecard
from brainlab.lessons import check
from brainlab.widgets import model_duel, time_machine
from torch.nn.functional import avg_pool2d

DATA, CONTRAST = "phantom", "T1w"
train, dev = (data.load(DATA, split=name, contrast=CONTRAST) for name in ("train", "dev"))
dev = data.with_lesions(dev)  # a folder of healthy people, if you name one, is given lesions; the phantom has them

# %%
well, ill, patient = dev.where(visit="healthy"), dev.where(visit="tumour-hypo"), lessons.patient(dev)
twin = well[[next(i for i, one in enumerate(ill.images) if torch.equal(one, patient.images[0]))]]
nets = {"VAE": checkpoints.load("vae")}
nets |= {f"γ = {g}": checkpoints.load(f"vaegan-gamma-{g}") for g in ("1", "1e-2", "1e-3", "1e-4", "1e-5")}
vae, vaegan = nets["VAE"], nets["γ = 1e-3"]
both = torch.cat([twin.images, patient.images])
shown = {"image": both, "VAE": anomaly.reconstruct(vae, both), "VAE-GAN": anomaly.reconstruct(vaegan, both)}
plotting.rows(
    {"healthy": torch.cat([one[:1] for one in shown.values()]), "ill": torch.cat([one[1:] for one in shown.values()])},
    columns=list(shown),
    caption="Synthetic T1w. Our patient, below with a dark tumour, and what two networks make of both.",
    alt="An axial slice, healthy and with a dark tumour; the VAE's reconstruction is smooth, the VAE-GAN's is grained.",
)

# %% [markdown]
# ## 1 · Blur is what the loss asks for
#
# The code $z$ does not say everything. Of all the images that may hide behind one $z$, which single $\hat x$ has the
# smallest expected squared error? Their mean, for
#
# $$ \mathbb E \lVert x - \hat x \rVert^2 = \lVert \hat x - m \rVert^2 + \mathbb E \lVert x - m \rVert^2 ,
#    \qquad m = \mathbb E[x \mid z]. $$
#
# The second term is there whatever one draws; the first is 0 for $\hat x = m$ only. And the mean of sharp images is
# blurred.
#
# ### Exercise 1: an edge
#
# An image is black (0) on the left and white (1) on the right. $z$ leaves one thing open: the edge lies before or
# behind a certain pixel, and both are as likely. So that pixel is 0 or 1. What does a row of the image cost on average,
# in squared error, if one draws the edge **sharp** at one of the two places, and if one draws the pixel **grey**, 0.5?

# %% tags=["solution"]
# stub: edge = (..., ...)  # your turn: sharp, grey
edge = ((0**2 + 1**2) / 2, 0.5**2)

# %%
check.edge(edge)

# %% [markdown]
# On a brain: our patient's twin, moved one pixel to the side, and blurred over 3 × 3 pixels. Which one would you rather
# be given?

# %%
x = twin.images
moved, blurred = x.roll(1, dims=-1), avg_pool2d(x, 3, stride=1, padding=1)
for name, drawn in {"moved by a pixel": moved, "blurred": blurred}.items():
    print(f"{name:18} squared error {losses.squared_error(x, drawn):5.1f}")

# %% [markdown]
# A reader of scans would take the first, and squared error prefers the second by far. Now take 25 training slices whose
# codes lie nearest to this slice's: to the network they are nearly the same.

# %%
z = latent.embed(vae, train.images)
crowd = train.images[(z - latent.embed(vae, x)).norm(dim=1).argsort()[:25]]
mean = crowd.mean(dim=0, keepdim=True)
sharp = torch.cdist(crowd.flatten(1), crowd.flatten(1)).square().mean()  # one of them drawn, any of them true
grey = losses.squared_error(crowd, mean.expand_as(crowd))
print(f"one of the 25: {sharp:.1f} · their mean: {grey:.1f} · {sharp / grey:.2f} times as much")

# %%
plotting.grid(
    torch.cat([x, crowd[:3], mean, anomaly.reconstruct(vae, x)]),
    titles=["image", "like it", "like it", "like it", "mean of 25", "VAE"],
    columns=6,
    caption="Synthetic. Slices with nearly the same code, their mean, and what the VAE draws.",
    alt="A slice, three training slices like it, the blurred mean of 25 such, and the VAE's blurred reconstruction.",
)

# %% [markdown]
# Twice, as in the exercise, and it is no accident: to draw one of the sharp images costs *exactly* twice what their
# mean costs, whatever they show. Sharpness has a price. Blau and Michaeli 2018 prove the general case: the more a
# method's images look real, the further they must be from the truth on average (the *perception-distortion trade-off*);
# for squared error, looking perfectly real costs at most that factor of 2, or 3 dB of PSNR.

# %% [markdown] tags=["instructor"]
# **Where students stumble.** "So the VAE is badly trained." No: with all the training in the world it would draw the
# mean, because it is asked to. Let somebody work out the factor 2 at the board: two independent draws, so the variance
# counts twice.

# %% [markdown]
# ## 2 · How sharp is sharp?
#
# "Looks sharper" is no measurement. Take an image's **detail** $h$: the image less its mean over 3 × 3 pixels, inside
# the brain. Two numbers compare the detail drawn, $\hat h$, with that of the image, $h$:
#
# $$ \text{sharpness } e = \frac{\sum \hat h^2}{\sum h^2}, \qquad
#    \text{truth } \rho = \frac{\sum h \hat h}{\sqrt{\sum h^2 \sum \hat h^2}}, \qquad
#    \frac{\sum (h - \hat h)^2}{\sum h^2} = 1 + e - 2 \rho \sqrt e . $$
#
# $e$ is 1 where as much detail is drawn as there is. $\rho$ is 1 where it is at the right place, and 0 where it is
# anywhere.


# %%
def detail(images, brain):
    return (images - avg_pool2d(images, 3, stride=1, padding=1))[anomaly.erode(brain)]


def sharpness(s, x_hat):
    h, h_hat = detail(s.images, s.brain), detail(x_hat, s.brain)
    e = (h_hat**2).sum() / (h**2).sum()
    rho = (h * h_hat).sum() / ((h**2).sum() * (h_hat**2).sum()).sqrt()
    assert torch.isclose(((h - h_hat) ** 2).sum() / (h**2).sum(), 1 + e - 2 * rho * e.sqrt(), rtol=1e-3)
    return float(e), float(rho)


# %%
lessons.predict(
    "05.detail",
    "Of the detail in healthy slices that it has not seen, how much does the VAE draw (sharpness, 100 % = as much)?",
    slider=(0, 150),
    unit="%",
)

# %%
rebuilt = {name: anomaly.reconstruct(net, well.images) for name, net in nets.items()}
grain = rebuilt["VAE"] + 0.05 * torch.randn(well.images.shape, generator=torch.Generator().manual_seed(0))
drawn = {"moved by a pixel": well.images.roll(1, dims=-1), "VAE": rebuilt["VAE"], "VAE + noise": grain}
print(f"{'':18}  PSNR  sharpness  truth")
for name, x_hat in drawn.items():
    print("{:18}{:6.1f}{:11.2f}{:7.2f}".format(name, metrics.psnr(well.images, x_hat), *sharpness(well, x_hat)))

# %%
e, rho = sharpness(well, rebuilt["VAE"])
lessons.reveal("05.detail", 100 * e, because=f"Per cent, and of what it does draw, the truth is {rho:.2f}.")

# %% [markdown]
# The last row is why one number is not enough. **Noise** makes any picture "sharper", and says nothing. Whoever shows
# you a gain in gradients, edges or variance alone may be showing you grain. And look at the formula: for a given
# $\rho$ the error is least at $\sqrt e = \rho$. Who is not sure *should* draw little.

# %% [markdown]
# ## 3 · In the eyes of a discriminator
#
# Larsen et al. 2016 ask: if pixels are the wrong place to compare, where is a better one? A discriminator has learned
# what tells brains from imitations. Let $D_l$ be one of its layers, here 64 maps of 8 × 8, and put the Gaussian there:
#
# $$ L_\text{llike} = -\log N\!\left(D_l(x) \mid D_l(\tilde x), I\right) + \text{const}
#    = \tfrac12 \lVert D_l(x) - D_l(\tilde x) \rVert^2 . $$
#
# We write $\tilde x$ for the decoder's image of a $z$ drawn from $q(z \mid x)$, as in training.
#
# ### Exercise 2: likeness
#
# `judge` is a discriminator; `judge.features(x)` is $D_l(x)$. Sum over an image, average over the batch, as ever.


# %% tags=["solution"]
# stub: def likeness(judge, x, x_tilde):
# stub:     ...  # your turn
def likeness(judge, x, x_tilde):
    d = judge.features(x) - judge.features(x_tilde)
    return (d**2).flatten(1).sum(dim=1).mean() / 2


# %%
check.likeness(likeness)

# %% [markdown]
# The paper expects more of features than of pixels: "invariance towards e.g. translation". In pixels the moved slice
# was several times as bad as the blurred one. In features?

# %%
lessons.predict(
    "05.moved",
    "In a trained discriminator's features, a slice moved by a pixel, compared with a blurred one, is…",
    choices=["far less bad than in pixels", "about as bad as in pixels", "far worse than in pixels"],
)

# %%
judge, x = vaegan.discriminator, well.images
with torch.no_grad():
    D = {name: judge.features(one) for name, one in {"x": x, "moved": drawn["moved by a pixel"]}.items()}
    D["blurred"] = judge.features(avg_pool2d(x, 3, stride=1, padding=1))
ours = {name: ((D["x"] - d) ** 2).flatten(1).sum(dim=1).mean() / 2 for name, d in D.items()}
assert all(torch.isclose(ours[name], losses.feature_matching(D["x"], d)) for name, d in D.items())
pixels = losses.squared_error(x, drawn["moved by a pixel"]) / losses.squared_error(x, avg_pool2d(x, 3, 1, 1))
features = ours["moved"] / ours["blurred"]
print(f"moved costs {pixels:.1f} times what blurred costs in pixels, {features:.1f} times in features")

# %%
CHOICES = "far less bad than in pixels", "about as bad as in pixels", "far worse than in pixels"
verdict = CHOICES[0 if features < pixels / 2 else 2 if features > 2 * pixels else 1]
lessons.reveal("05.moved", verdict, because="Three strided convolutions, and no pooling: this layer keeps places.")

# %% [markdown]
# Beside a shift, a blur costs a little more in features than in pixels: that much of the hope is true, and no more. A
# claim in an abstract is worth a measurement. Whatever makes a VAE-GAN sharp, here it is not that its features forgive
# a sulcus its place. Keep that in mind for section 5, where one decoder of the five hears of likeness *alone*.

# %% [markdown]
# ## 4 · Three networks, three objectives
#
# | loss | |
# |---|---|
# | prior | $\mathrm{KL}(q(z \mid x) \,\Vert\, N(0, I))$ |
# | likeness | $\tfrac12 \lVert D_l(x) - D_l(\tilde x) \rVert^2$ |
# | GAN | $\log D(x) + \tfrac12 \log(1 - D(\tilde x)) + \tfrac12 \log(1 - D(x_p))$, which the discriminator wants high |
#
# There are two kinds of fakes: **reconstructions** $\tilde x$, and **samples** $x_p$ = decoder($z_p$), $z_p \sim
# N(0, I)$. Both are judged: a decoder judged on reconstructions alone would never practise the codes from which one
# draws later. (The halves are the kit's, so that real and fake weigh the same.)
#
# Where *could* the gradient of each loss go? Measure it, as a norm, in each network:

# %%
model = checkpoints.load("vaegan-gamma-1e-3").train()
encoder, decoder, judge = model.encoder, model.decoder, model.discriminator
noise, x = torch.Generator().manual_seed(0), train.images[::60]
out = model(x, generator=noise)  # draws z ~ q(z|x) and decodes it
x_p = model.decode(torch.randn(out.z.shape, generator=noise))
real, tilde, p = judge(x), judge(out.x_hat), judge(x_p)
terms = {"prior": losses.kl(out.mu, out.logvar)}
terms["likeness"] = losses.feature_matching(judge.features(x), judge.features(out.x_hat))
terms["GAN"] = -losses.called_real(real) - losses.called_fake(torch.cat([tilde, p]))  # a mean over both fakes


# %%
def slope(loss, network):
    found = torch.autograd.grad(loss, list(network.parameters()), retain_graph=True, allow_unused=True)
    return torch.cat([g.flatten() for g in found if g is not None] or [torch.zeros(1)])


print(f"{'':10}{'encoder':>10}{'decoder':>10}{'discriminator':>16}")
for name, loss in terms.items():
    norms = [float(slope(loss, network).norm()) for network in (encoder, decoder, judge)]
    print("{:10}{:10.3g}{:10.3g}{:16.3g}".format(name, *norms))

# %% [markdown]
# Seven of nine cells are not 0: automatic differentiation goes wherever it can. Not all of it may be followed.
#
# ### Exercise 3: who learns from what?
#
# For each network, the set of losses that it may follow: "prior", "likeness", "GAN".

# %% tags=["solution"]
# stub: learns = {"encoder": ..., "decoder": ..., "discriminator": ...}  # your turn, such as {"prior", "GAN"}
learns = {"encoder": {"prior", "likeness"}, "decoder": {"likeness", "GAN"}, "discriminator": {"GAN"}}

# %%
check.learns(learns)

# %% [markdown]
# The decoder has two masters, and γ weighs them. Each network *descends* its own row:
#
# | network | descends |
# |---|---|
# | encoder | prior + likeness |
# | decoder | γ · likeness − (1 − γ) · ½ [log D($\tilde x$) + log D($x_p$)] |
# | discriminator | −GAN |
#
# −log D instead of log(1 − D) is lesson 04's non-saturating form. Mind the signs. The paper's algorithm 1 has the
# decoder descend γ · likeness − GAN and the discriminator GAN: signs that fit a cross-entropy to be minimised. Its text
# defines GAN as above, as a log-likelihood; with that, each learns the opposite of its trade. Published code was
# written from it word by word, and its authors had to find out
# ([generative_zoo](https://github.com/DL-IT/generative_zoo), issue 1).
#
# ### Exercise 4: the three objectives
#
# You are given `prior` and `likeness`, computed; the discriminator's logits of $x$, $\tilde x$ and $x_p$, as `real`,
# `tilde` and `p`; and γ. Return a dict with one loss for each network. `losses.called_real(logits)` is −E log D, and
# `losses.called_fake(logits)` is −E log(1 − D).


# %% tags=["solution"]
# stub: def objectives(prior, likeness, real, tilde, p, gamma):
# stub:     return {"encoder": ..., "decoder": ..., "discriminator": ...}  # your turn
def objectives(prior, likeness, real, tilde, p, gamma):
    forging = (losses.called_real(tilde) + losses.called_real(p)) / 2
    caught = (losses.called_fake(tilde) + losses.called_fake(p)) / 2
    return {
        "encoder": prior + likeness,
        "decoder": gamma * likeness + (1 - gamma) * forging,
        "discriminator": losses.called_real(real) + caught,
    }


# %%
check.objectives(objectives)

# %% [markdown]
# The kit's step agrees, on the same batch and the same noise (its `pixel=0` is the paper's; by default the kit adds a
# pixel term to likeness, which steadies small networks):

# %%
gamma, fooling = 1e-3, losses.called_real(torch.cat([tilde, p]))
rows = {
    "encoder": terms["prior"] + terms["likeness"],
    "decoder": gamma * terms["likeness"] + (1 - gamma) * fooling,
    "discriminator": -terms["GAN"],
}
step = training.vaegan_step(model, gamma, pixel=0, seed=0)
parts = step.terms(x)
kit = step.objectives(parts)
assert all(torch.isclose(rows[name], kit[name], rtol=1e-3) for name in rows)
print(" · ".join(f"{name} {float(loss.detach()):.3f} nats" for name, loss in rows.items()))

# %% [markdown]
# Nothing is detached there. The step asks for the gradient of *each row in its own network only*
# (`torch.autograd.grad`), all three before any weight moves. Three calls of `.backward()` would add up in the decoder;
# section 9 shows what becomes of that.
#
# ### The rule of balance
#
# A discriminator that can only guess pays log 2 ≈ 0.69 nats an image. If it pays much less it is far ahead, and its
# gradient is no advice; if it pays much more, it has none to give. So in the authors' code the discriminator pauses
# where it is far ahead, and the decoder where its judge is far behind:

# %%
DRAW, MARGIN = 0.68, 0.6  # the authors' margin is 0.35


def pauses(real_cost, fake_cost):
    decoder, judge = max(real_cost, fake_cost) > DRAW + MARGIN, min(real_cost, fake_cost) < DRAW - MARGIN
    return (False, False) if decoder and judge else (decoder, judge)  # if both would, neither does


for costs in np.random.default_rng(0).exponential(0.7, (500, 2)):
    assert training.equilibrium(*costs, MARGIN) == tuple(not one for one in pauses(*costs))

# %% [markdown] tags=["instructor"]
# **Where students stumble.** In exercise 4 the decoder's sign is easily turned, and the adversarial term added to the
# encoder "because it makes reconstructions better": ask what an encoder would do whose only wish were a real-looking
# brain. That the discriminator wants the likeness low, too, surprises; ask for its cheapest solution (all features 0).

# %% [markdown]
# ## 5 · γ
#
# The five networks differ in γ and in nothing else: same people, same 24 epochs, same seed. At γ = 1 the decoder hears
# of likeness alone, at γ = 1e-5 of hardly anything but the discriminator. (Why such small numbers? Likeness is a sum
# over 4,096 features, and as many pixels; log D is one. The pixel term is not small: at γ = 1 it comes to about as many
# nats as the features, at 1e-3 to far more, for there the features themselves are small.)

# %%
lessons.predict(
    "05.gamma",
    "γ goes from 1 down to 1e-5. How near the reconstructions are to the image (PSNR)…",
    choices=["rises by more than 1 dB", "stays within 1 dB", "falls by more than 1 dB"],
)

# %% [markdown] tags=["instructor"]
# **The moment.** Close the side bar (Ctrl+B), click the slider once, and scroll up until the pictures fill the screen:
# the slider keeps the focus, and the arrow keys move it. Begin at γ = 1, lights down. "This is what likeness alone
# draws." Then one stop at a time, and nothing said: the room sees flat grey become grain. At 1e-3 ask: *better?* Drag
# the divider across: *better where?* Go on to 1e-5: grained like a scan, and the ventricles have gone somewhere else.
# Then switch the lesion to "none" and do it again: the texture is there although nothing is ill.

# %% [markdown]
# **Try it.** Move γ from 1 to 1e-5, one stop at a time. Drag the divider between scan and reconstruction. When does
# blur turn into texture? When does it stop being this person's?

# %%
machine = time_machine("gamma", dev)
machine.state.person, machine.state.level, machine.state.stop = patient.subjects[0], "hypo", 1.0
machine

# %% [markdown]
# The same, for those without a kernel, with samples of one $z_p$ beside:

# %%
z_p = latent.prior_samples(2, 32, seed=0)
samples = [torch.cat([latent.decode(net, z_p[k : k + 1]) for net in nets.values()]) for k in range(2)]
line = [torch.cat([image, *(anomaly.reconstruct(net, image) for net in nets.values())]) for image in both.split(1)]
plotting.rows(
    {
        "healthy": line[0],
        "ill": line[1],
        **{f"sample {k + 1}": torch.cat([well.images[[min(120 * k, len(well) - 1)]], samples[k]]) for k in range(2)},
    },
    columns=["image", *nets],
    caption="Synthetic. Two slices rebuilt, and two samples: one z under each network, beside some real slice.",
    alt="Two slices as the VAE and five VAE-GANs, γ falling, rebuild them: smooth, flat grey, then ever more grain, at"
    " last a brain of another shape. Samples: the VAE's are blotches, those at middle γ resemble brains.",
)

# %% [markdown]
# Now the measurement. To PSNR, sharpness and truth of reconstructions we add how real the **samples** look: the Fréchet
# distance of lesson 04, to `well`, in a classifier's features (nan on other `DATA`, which it does not know).

# %%
judged = DATA == "phantom" and CONTRAST == "T1w"  # the classifier knows these only
see = scorecard.features(scorecard.Test(well, train, checkpoints.load("classifier"))) if judged else None
found = {}
print(f"{'':12}  PSNR  sharpness  truth  Fréchet")
for name, net in nets.items():
    found[name] = [metrics.psnr(well.images, rebuilt[name]), *sharpness(well, rebuilt[name])]
    draws = latent.decode(net, latent.prior_samples(len(well), 32, seed=1))
    found[name] += [quality.frechet_distance(see(well.images), see(draws)) if see else float("nan")]
    print("{:12}{:6.1f}{:11.2f}{:7.2f}{:9.0f}".format(name, *found[name]))

# %%
gain = found["γ = 1e-5"][0] - found["γ = 1"][0]
verdict = "rises by more than 1 dB" if gain > 1 else "falls by more than 1 dB" if gain < -1 else "stays within 1 dB"
lessons.reveal("05.gamma", verdict, because=f"By {abs(gain):.1f} dB, while sharpness grows: the trade-off.")


# %%
def spectrum(images):
    """Mean power at 1 to 32 cycles an image."""
    power = torch.fft.fftshift(torch.fft.fft2(images[:, 0]), dim=(1, 2)).abs().square()
    y = torch.arange(64) - 32
    ring = (y[:, None] ** 2 + y**2).sqrt().round()
    return [float(power[:, ring == k].mean()) for k in range(1, 33)]


figure = plotting.Figure(figsize=(9.5, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
left.plot(range(1, 33), spectrum(well.images), color="black", linewidth=2, label="healthy slices")
shades = ["#d55e00", "#08306b", "#2171b5", "#4292c6", "#6baed6", "#9ecae1"]
places = dict.fromkeys(nets, "center") | {"VAE": "top", "γ = 1": "bottom", "γ = 1e-2": "bottom", "γ = 1e-3": "top"}
for (name, x_hat), shade in zip(rebuilt.items(), shades, strict=True):
    left.plot(range(1, 33), spectrum(x_hat), color=shade, label=name, linestyle="--" if name == "VAE" else "-")
    right.plot(*found[name][:2], "o", color=shade)
    right.annotate(f"{name}  ", found[name][:2], fontsize=8, ha="right", va=places[name])
left.set(yscale="log", xlabel="cycles an image: coarse → fine", ylabel="mean power")
left.legend(frameon=False, fontsize=8)
right.set(xlabel="PSNR, dB: nearer to the image →", ylabel="sharpness: 1 = as the image")
right.axhline(1, color="0.5", linestyle=":")
right.margins(x=0.25, y=0.15)
figure.alt = "Left: power against frequency; the VAE falls away from the slices first, small γ stays near. Right: " + (
    "; ".join(f"{name}: PSNR {row[0]:.1f} dB, sharpness {row[1]:.2f}" for name, row in found.items())
)
figure

# %% [markdown]
# Read it as a reviewer would.
#
# - **The trade-off is there.** Down the table PSNR falls while sharpness, by and large, grows. No network has both.
# - **Sharp is not yet right.** At the finest frequencies small γ has *more* power than brains have: grain, with a
#   checkerboard in it that the decoder's upsampling leaves.
# - **Likeness alone sharpens little.** At γ = 1 the features are there (with pixels beside) and the forging is not:
#   round crisp ventricles the brain is flat. What brings the texture is the *adversary*.
# - **Truth falls too.** The more detail is drawn, the less of it is at its place: near 0 at γ = 1e-5. It is *a* brain's
#   texture, not this brain's.
# - **Samples gain most.** The VAE's look like nothing; the VAE-GANs' come much nearer, best at middle γ. Going lower
#   still costs likeness and buys nothing.

# %% [markdown]
# ## 6 · Blur turns into texture, live
#
# Take the network of γ = 1 and train on with γ = 1e-4. Its discriminator has never met resistance: it is far ahead, and
# from now on the decoder listens.

# %%
lessons.predict(
    "05.live",
    "After 30 more steps (960 images), the sharpness of reconstructions is…",
    choices=["hardly changed", "at least 1.5 times what it was", "lower, for the balance is upset"],
)

# %%
STEPS, few = 90, well[::8]
live = checkpoints.load("vaegan-gamma-1")
step = training.vaegan_step(live, gamma=1e-4)
step.watch = None  # fit stops a run whose reconstruction gets much worse; here that is what we ask for
seen, course = {0: sharpness(few, anomaly.reconstruct(live, few.images))}, []
frames = {"step 0": anomaly.reconstruct(live, twin.images)}


def watch(n, numbers):
    course.append(numbers)
    if n % 10 == 0:
        seen[n] = sharpness(few, anomaly.reconstruct(live, few.images))
    if n in (5, 10, 30, STEPS):
        frames[f"step {n}"] = anomaly.reconstruct(live, twin.images)


history = training.fit(step, data.Batches(train.images, 32), steps=STEPS, on_batch=watch)

# %%
ratio = seen[30][0] / seen[0][0]
outcomes = "lower, for the balance is upset", "hardly changed", "at least 1.5 times what it was"
verdict = outcomes[0 if ratio < 0.75 else 1 if ratio < 1.5 else 2]
lessons.reveal("05.live", verdict, because=f"{ratio:.1f} times, within a thousand images.")

# %%
plotting.grid(
    torch.cat([twin.images, *frames.values()]),
    titles=["image", *frames],
    columns=6,
    caption="Synthetic. One healthy slice, rebuilt while the decoder learns to heed the discriminator.",
    alt="A slice and its reconstruction after 0, 5, 10, 30 and 90 steps: flat grey, then broken by holes and stripes.",
)

# %%
figure = plotting.Figure(figsize=(9.5, 3.0), layout="constrained")
left, right = figure.subplots(1, 2)
for k, name in enumerate(("sharpness", "truth")):
    left.plot(list(seen), [pair[k] for pair in seen.values()], marker="os"[k], label=name)
left.set(xlabel="step", ylim=(0, None))
for name, label in {"real_cost": "−log D(x)", "fake_cost": "−log(1 − D) of fakes"}.items():
    right.plot(range(1, STEPS + 1), [one[name] for one in course], label=label)
right.axhspan(DRAW - MARGIN, DRAW + MARGIN, color="0.92", label="both move")
right.axhline(np.log(2), color="0.5", linestyle=":", label="a guess, log 2")
right.set(xlabel="step", ylabel="nats an image")
left.legend(frameon=False, fontsize=8, loc="center right")
right.legend(frameon=False, fontsize=8)
figure.alt = "Left: sharpness rises within some twenty steps, truth falls. Right: the discriminator's two costs, first"
figure.alt += " small, then swinging about log 2."
print({who: sum(not one[f"{who}_moved"] for one in course) for who in ("decoder", "discriminator")}, "pauses")
figure

# %% [markdown]
# Look at the slice before you praise the sharpness: detail, certainly, and what of? In ninety steps the decoder has
# learned to *disturb* its judge. To draw like a brain takes longer: the networks of section 5 had 1,440 steps.
#
# In the curves, read the right panel first, as one always should. It begins near 0: the discriminator knows. Then the
# decoder finds what was missed, the costs cross, and they settle around log 2, at which neither is winning. Where a
# curve leaves the grey band, somebody pauses; the line above counts how often. A healthy VAE-GAN's curves are *boring*;
# that they stay near log 2 says that the two are in balance, not that the images are good.

# %% [markdown]
# ## 7 · Against the VAE
#
# Our patient under both. Look at the tumour: who leaves it out? Then choose *residual*.

# %%
duel = model_duel("vae", "vaegan", dev)
duel.state.person, duel.state.level = patient.subjects[0], "hypo"
duel

# %% [markdown]
# ## 8 · Does it find lesions?
#
# The discriminator suggests another anomaly map: ‖D_l(x) − D_l(x̂)‖² at each place of its layer (`feature_residual`), in
# the spirit of the loss. It has learned to see what does not belong in a brain. Has it?

# %%
lessons.predict(
    "05.features",
    "Tumours that are dark, iso-intense or bright: for which do the features rank clearly better (AP + 0.02)?",
    choices=["all three", "one or two of them", "none"],
)

# %%
SCORES = {
    "brightness itself": anomaly.brightness,
    "darkness itself": anomaly.darkness,
    "|z| by level, no network": anomaly.ZScore.fit(train, per_level=True),
    "VAE |x − x̂|": anomaly.scored(vae),
    "VAE-GAN |x − x̂|": anomaly.scored(vaegan),
    "VAE-GAN features": anomaly.scored(vaegan, anomaly.feature_residual),
    "VAE-GAN, γ = 1, |x − x̂|": anomaly.scored(nets["γ = 1"]),
}
ap = {name: lessons.tumours(score, dev) for name, score in SCORES.items()}
print(f"{'':26}" + "".join(f"{level:>8}" for level in ("dark", "iso", "bright")))
for name, row in ap.items():
    print(f"{name:26}" + "".join(f"{row[level]:8.2f}" for level in ("dark", "iso", "bright")))

# %%
plain, seen_by = ap["VAE-GAN |x − x̂|"], ap["VAE-GAN features"]
better = [level for level in plain if seen_by[level] > plain[level] + 0.02]
verdict = ["none", "one or two of them", "one or two of them", "all three"][len(better)]
lessons.reveal("05.features", verdict, because=f"Better by 0.02: {', '.join(better) or 'nowhere'}.")

# %% [markdown]
# On the phantom:
#
# - For **dark** and **iso** tumours pixels beat features. The map is 8 × 8 places, and what distinguishes brains from
#   imitations is not what distinguishes health from disease: no lesion was ever among the fakes.
# - For **bright** ones features are level with pixels or a little ahead (over all kinds of lesion, on twelve people of
#   `test`: 0.12 against 0.08). Plain brightness, without any network, is far ahead of both.
# - The VAE-GAN is ahead of the VAE. Not by its sharpness: lesson 06 blurs it, and it finds as much. But it *copies
#   less* of a tumour.
# - The last row finds bright tumours best of these networks. Look at its picture above: a brain of one grey. Whatever
#   is brighter than that grey stands out, so for bright tumours its residual is a threshold on brightness, and scores
#   like one. For dark ones it beats darkness itself, since it has learned where fluid lies.

# %%
numbers = {"psnr": found["γ = 1e-3"][0], **ap["VAE-GAN |x − x̂|"]}
numbers |= {"frechet": found["γ = 1e-3"][3]} if see else {}
lessons.keep_row("05", "VAE-GAN", **numbers)

# %% [markdown]
# Your own runs so far, by lesson. (`lessons.table()` shows them again.)

# %% [markdown]
# ## 9 · What can go wrong here
#
# ### Sharp, and confidently wrong
#
# Our patient's twin is healthy: whatever lights up now is a mistake.

# %%
three = ("VAE", "γ = 1e-3", "γ = 1e-5")
x_hat = torch.cat([anomaly.reconstruct(nets[name], twin.images) for name in three])
wrong = (twin.images - x_hat).abs() * twin.brain
plotting.rows(
    {"drawn": x_hat, "|x − x̂|": wrong},
    maps=["|x − x̂|"],
    columns=three,
    caption="Synthetic. One healthy slice: there is nothing to find.",
    alt="A healthy slice as three networks rebuild it, and the residuals, which grow as the picture gets sharper.",
)

# %%
print(f"{'':10}  mean |x − x̂|, healthy   of the detail drawn, true")
for name in three:
    off = (well.images - rebuilt[name]).abs()[well.brain].mean()
    print(f"{name:10}{off:16.3f}{found[name][2] ** 2:28.1%}")

# %% [markdown]
# ρ² is the share of the drawn detail's energy that the image's own detail explains; the rest is invention. Blur shows
# where a model is unsure; texture hides it. Nothing *in* the third picture says that these folds are nobody's. Where a
# scan is reconstructed, sharpened or "super-resolved" by a network that was trained against a discriminator, ask for
# the truth of the detail and not for its looks.
#
# ### One sign
#
# The mistake that exercise 4 looked for: the decoder descends +log D. Twenty steps each way, from the same weights.

# %%
after = {"before": checkpoints.load("vaegan-gamma-1e-3")}
for name, sign in {"right": 1, "sign turned": -1}.items():
    after[name] = pupil = checkpoints.load("vaegan-gamma-1e-3")
    step = training.vaegan_step(pupil, gamma=1e-3)
    as_written, fakes = step.objectives, {}
    step.objectives = lambda t, f=as_written, s=sign: f(t | {"fooling": s * t["fooling"]})
    training.fit(
        step,
        data.Batches(train.images, 32),
        steps=20,
        on_batch=lambda n, numbers, to=fakes: to.update({n: numbers["fake_cost"]}),
        progress=False,
    )
    print(f"{name:12} what a fake costs the discriminator: {fakes[1]:.2f} nats at first, {fakes[20]:.2f} in step 20")

# %%
plotting.grid(
    torch.cat([anomaly.reconstruct(model, twin.images) for model in after.values()]),
    titles=list(after),
    columns=3,
    caption="Synthetic. Twenty steps on from the shipped VAE-GAN; on the right the decoder helps the discriminator.",
    alt="Three reconstructions: a brain before and after twenty right steps; with the sign turned a brain in ruins.",
)

# %% [markdown]
# No error message: only a discriminator that is no longer wrong about any fake, and a ruin. Where likeness weighs more,
# the ruin is slower, and easier to overlook.
#
# ### Gradients that add up
#
# Three `.backward()` calls in a row, nothing detached: the discriminator's gradient runs on into the decoder and is
# added there. How fast does −log D of its images then fall, per step, in units of what was meant?

# %%
mine, stray, forge = (slope(one, decoder) for one in (kit["decoder"], kit["discriminator"], parts["fooling"]))
for name, applied in {"meant": mine, "applied": mine + stray}.items():
    print(f"{name:8} {float(forge @ applied / (forge @ mine)):5.2f}")

# %% [markdown]
# The stray gradient undoes what was meant. In pythae 0.1.2 the decoder was declared to descend 0.2 · rec − 0.8 · D,
# with D the discriminator's loss, and by this route descended 0.2 · rec + 0.2 · D: it was trained to help its opponent.
# Images came out all the same. Test *gradients*, not pictures.

# %% [markdown]
# ## Three questions

# %%
lessons.quiz(
    "05.quiz-blur",
    "A colleague trains a VAE ten times longer to get rid of the blur. What will happen?",
    {
        "It goes away.": "It draws the mean of what z leaves open, and does so better and better.",
        "It stays, as long as z leaves something open.": "Yes. More numbers in z would leave less open.",
        "The samples sharpen, reconstructions do not.": "Both come from one decoder, which is asked for means.",
    },
    right="It stays, as long as z leaves something open.",
)

# %%
lessons.quiz(
    "05.quiz-sharp",
    "A paper reports that its network's reconstructions have 98 % of real scans' gradient energy. What do you ask?",
    {
        "Nothing: that is sharp.": "Noise reaches 98 % too.",
        "How much of it is at the right place.": "Yes: the correlation with the scan's own detail, beside the energy.",
        "Why not 100 %.": "The energy alone says nothing of the truth: 98 % of grain is still grain.",
    },
    right="How much of it is at the right place.",
)

# %%
lessons.quiz(
    "05.quiz-encoder",
    "Somebody lets the GAN loss into the encoder as well. What may the encoder learn?",
    {
        "To give codes of real-looking brains that are not x.": "Yes: the judge is content, and likeness pays for it.",
        "Nothing, the gradient is 0.": "You measured it: it is not 0, for x̃ depends on z.",
        "To keep its codes near N(0, I).": "That is what the prior asks for.",
    },
    right="To give codes of real-looking brains that are not x.",
)

# %% [markdown]
# ## You can now
#
# - **explain** blur: the mean of what z leaves open costs half of what any sharp guess costs;
# - **measure** sharpness and truth, two numbers, for one alone is fooled by grain;
# - **write** likeness in features, and three objectives with each gradient where it belongs;
# - **read** γ: flat and near at 1, textured and astray at 1e-5; and costs near log 2 as balance, not as quality;
# - **judge**: sharper is not truer, and not better at lesions; a plain threshold still leads where tumours are bright.

# %%
lessons.progress()

# %% [markdown]
# **Next** is the showdown: lesson 06 sets every network of the course against one line of code.
#
# **Further reading**
#
# - A. B. L. Larsen et al. 2016, *Autoencoding beyond pixels using a learned similarity metric*, ICML: feature-wise
#   errors and an adversary give a VAE's faces visual fidelity.
# - Y. Blau, T. Michaeli 2018, *The perception-distortion tradeoff*, CVPR: the nearer to the truth on average, the less
#   like real images, for every measure of distortion.
# - A. Dosovitskiy, T. Brox 2016, *Generating images with perceptual similarity metrics based on deep networks*,
#   NeurIPS: distances between features, with an adversary, recover sharp images where squared error blurs.
# - C. Baur et al. 2018, *Deep autoencoding models for unsupervised anomaly segmentation in brain MR images*, MICCAI
#   BrainLes: a VAE with an adversary, for lesions in FLAIR.
# - J. P. Cohen, M. Luck, S. Honari 2018, *Distribution matching losses can hallucinate features in medical image
#   translation*, MICCAI: adversarial losses can add or remove tumours.
