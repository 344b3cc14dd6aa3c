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
# # 03 · Variational autoencoders
#
# Lesson 02's network turns a brain into a point among points, and nobody has said what lies between them. A variational
# autoencoder (VAE) turns it into a small *cloud*, and pulls all clouds towards one known distribution. Then one may
# walk between people, and draw people who do not exist: that is the plan. What comes of it, we shall measure.
#
# **You will be able to**
#
# - *explain* what an autoencoder leaves open between its codes, and what the VAE puts there;
# - *write* a draw that gradients pass through, the KL term, and the evidence lower bound, in nats;
# - *choose* $\sigma$ and $\beta$ knowingly, and find the $\beta$ that hides in a mean over pixels;
# - *recognise* posterior collapse, and holes between what is encoded and what is drawn from;
# - *judge* what a likelihood is worth for finding lesions.
#
# **Time** 45 minutes, of which the computer needs about two. **Builds on** 02 (bottleneck, reconstruction in nats,
# residual) and 00 (splits, contrast).
#
# *For teaching, not for clinical use.*

# %% [markdown] tags=["instructor"]
# **For the instructor.** 45 minutes: points and holes 5, the cloud 6, the bound 9, sigma and beta 6, training and walks
# 7, the price of words 4, lesions 5, collapse 3 (section 8 is to be read at home). Training takes 30 to
# 40 s on two cores: let them finish exercise 4 meanwhile. The synthetic people are grown at the first run and cached:
# run the setup cells before the class.
#
# The one sentence to leave them with: *the KL is the price of saying something about an image, and $\sigma$ decides
# what that something is worth.*

# %% [markdown]
# ## Set up
#
# `DATA` may also be a folder of healthy people's slices. The text says what the phantom shows; with your own, believe
# the numbers.

# %%
import brainlab as bl
import numpy as np
import torch
from brainlab import anomaly, checkpoints, data, disentanglement, latent, lessons, losses, metrics, plotting, training
from brainlab import quality, scorecard
from brainlab.lessons import check
from brainlab.models.vae import reparameterize
from brainlab.widgets import latent_explorer, latent_map, time_machine

DATA, CONTRAST = "phantom", "T1w"

# %%
train, val, dev = (data.load(DATA, split=name, contrast=CONTRAST) for name in ("train", "val", "dev"))
dev = data.with_lesions(dev)  # a folder of healthy people, if you name one, is given lesions; the phantom has them
config = bl.ModelConfig(image_size=64, latent_dim=32)
d = config.latent_dim
print(len(train), "training slices of", len(set(train.subjects)), "people ·", len(set(val.subjects)), "others in val")

# %% [markdown]
# Two people will be with us: those of `val` whose middle slices differ most. And one patient, the same in every
# lesson, with a dark tumour.

# %%
names, height = np.array(val.subjects), np.abs(val.position_mm - np.median(val.position_mm))
middle = val[[min(np.flatnonzero(names == one), key=lambda i: height[i]) for one in np.unique(names)]]
apart = torch.cdist(middle.images.flatten(1), middle.images.flatten(1))
first, last = np.unravel_index(int(apart.argmax()), apart.shape)
pair, patient = middle[[first, last]], lessons.patient(dev)
kind = "Synthetic" if dev.about.synthetic else "Real"
plotting.rows(
    {"": torch.cat([pair.images, patient.images])},
    masks=torch.cat([pair.masks, patient.masks]),
    columns=["one person", "another person", "the patient"],
    caption=f"{kind} {CONTRAST}. Blue: the tumour, which is synthetic.",
    alt="Three axial slices: two healthy people, unlike in shape, and a patient with an outlined dark tumour.",
)

# %% [markdown]
# ## 1 · A code is a point, and points leave holes
#
# An autoencoder's loss asks for one thing: that the code of *this* image decodes to *this* image. What any other vector
# decodes to, it does not ask. Is there a brain half-way between two brains? Is there one at a vector drawn at random?

# %%
lessons.predict(
    "03.holes",
    "Draw each number of the code at random, within the spread of real codes, and decode. The autoencoder gives…",
    choices=["brains of people who do not exist", "something like a brain, with faults", "noise"],
)

# %%
torch.manual_seed(0)
if DATA == "phantom":
    ae = checkpoints.load("ae")  # lesson 02's network, trained for longer
else:
    ae = bl.Autoencoder(config)
    training.fit(training.ae_step(ae, lr=2e-3), data.Batches(train.images, 32), epochs=9)
codes = latent.embed(ae, train.images)
print("codes: mean", f"{codes.mean():.1f},", "spread from", f"{codes.std(0).min():.1f} to {codes.std(0).max():.1f}")

# %%
draws = codes.mean(0) + codes.std(0) * latent.prior_samples(8, codes.shape[1], seed=1)
z = latent.embed(ae, pair.images)
plotting.rows(
    {
        "a walk": latent.decode(ae, latent.interpolate(z[0], z[1], 8)),
        "drawn": latent.decode(ae, draws),
    },
    caption="An autoencoder. Above: the straight line between two people's codes. Below: codes drawn at random.",
    alt="Above, eight decoded slices from one person to another. Below, eight decoded draws, blotched or misshapen.",
)

# %% [markdown]
# The walk happens to go well; nothing had asked for it. The draws do not. How far is a picture from the *nearest* real
# slice? As a root mean square over pixels; other people's slices, rebuilt, tell what can be hoped for.


# %%
def from_real(images):
    return torch.cdist(images.flatten(1), train.images.flatten(1)).min(dim=1).values.mean() / 64


draws = codes.mean(0) + codes.std(0) * latent.prior_samples(200, codes.shape[1], seed=2)
far = {"other people": from_real(val.images), "other people, rebuilt": from_real(anomaly.reconstruct(ae, val.images))}
far["drawn at random"] = from_real(latent.decode(ae, draws))
print(" · ".join(f"{name} {value:.3f}" for name, value in far.items()))

# %%
ratio = float(far["drawn at random"] / far["other people, rebuilt"])
names = "brains of people who do not exist", "something like a brain, with faults", "noise"
verdict = names[0 if ratio < 1.1 else 1 if ratio < 3 else 2]
why = f"They lie {ratio:.1f} times as far from real slices as rebuilt ones do. Nobody had asked what is drawn there."
lessons.reveal("03.holes", verdict, because=why)

# %% [markdown]
# One may fit a distribution to the codes afterwards, but that is patching. The VAE puts a distribution in from the
# start.
#
# ## 2 · A cloud for each image
#
# The encoder gives not a code but a distribution of codes, a normal one in each latent number:
#
# $$ q(z \mid x) = \mathcal N\!\left(z;\; \mu(x),\; \mathrm{diag}\,\sigma^2(x)\right). $$
#
# So it has twice as many outputs: $\mu$ and, since a variance must be above 0, $\log \sigma^2$. For the decoder,
# a $z$ is **drawn** from the cloud. Neighbouring images then share codes, and the decoder has to draw something
# sensible *around* each.

# %%
torch.manual_seed(0)
vae = bl.VAE(config)
mu, logvar = vae.encode(train.images[:5])
print("image", tuple(train.images[:5].shape), "→ mu", tuple(mu.shape), "and logvar", tuple(logvar.shape))

# %% [markdown]
# A draw has no slope: by how much would $z$ have changed, had $\mu$ been larger? The **reparameterisation trick** puts
# all chance into a variable that depends on nothing, $\varepsilon \sim \mathcal N(0, I)$, and computes $z$ from it:
#
# $$ z = \mu + \sigma \cdot \varepsilon . $$
#
# ### Exercise 1: a draw with a slope
#
# `mu` and `logvar` have the shape (B, d). Return z, drawn anew at each call.


# %% tags=["solution"]
# stub: def reparameterise(mu, logvar):
# stub:     ...  # your turn
def reparameterise(mu, logvar):
    return mu + torch.exp(logvar / 2) * torch.randn_like(mu)


# %%
check.reparameterise(reparameterise)

# %% [markdown] tags=["instructor"]
# **Where students stumble.** `exp(logvar)` for the width (that is the variance); `torch.normal(mu, sigma)` or
# `.sample()`, which look right and stop every gradient; `rand` for `randn`; one eps for the whole batch. The check
# names each. At test time one takes $z = \mu$: published code has taken $\mu + \sigma$ (`monai` issue 8413).

# %%
eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(1))
z = mu + torch.exp(logvar / 2) * eps
assert torch.equal(z, reparameterize(mu, logvar, torch.Generator().manual_seed(1)))
print("∂z/∂mu =", torch.autograd.grad(z[0, 0], mu, retain_graph=True)[0][0, 0].item())

# %% [markdown]
# ## 3 · What is asked for: a bound
#
# Left alone, the clouds would shrink to points and drift apart, and we would have the autoencoder again. So each cloud
# pays for how far it is from one fixed cloud, the **prior** $p(z) = \mathcal N(0, I)$. The price is the
# **Kullback–Leibler divergence** of the two. With $d$ latent numbers,
#
# $$ \mathrm{KL} = \tfrac12 \sum_{j=1}^{d} \left( \mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2 \right) $$
#
# (Kingma and Welling 2014, appendix B), averaged over the batch. It is what telling $z$ costs, in nats, where only the
# prior is known.
#
# ### Exercise 2: the price


# %% tags=["solution"]
# stub: def kl(mu, logvar):
# stub:     ...  # your turn
def kl(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1).mean()


# %%
check.kl(kl)

# %%
from torch.distributions import Normal, kl_divergence

price = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1).mean()
assert torch.isclose(price, kl_divergence(Normal(mu, torch.exp(logvar / 2)), Normal(0, 1)).sum(dim=1).mean())
assert torch.isclose(price, losses.kl(mu, logvar))
for m, v in [(0, 0), (1, 0), (2, 0), (0, -2), (0, -4)]:
    one = losses.kl(torch.tensor([[float(m)]]), torch.tensor([[float(v)]]))
    print(f"mu {m}, logvar {v:2}: {abs(one):.2f} nats")

# %% [markdown]
# The other term is lesson 02's: how well is $x$ rebuilt from a $z$ of its cloud? Together they bound what we are after
# and cannot compute, the probability of the image itself:
#
# $$ \log p(x) \;\ge\; \mathrm{ELBO} = \underbrace{\mathbb E_{q(z \mid x)} \log p(x \mid z)}_{\text{rebuild it}}
#    - \underbrace{\mathrm{KL}\!\left(q(z \mid x) \,\Vert\, p(z)\right)}_{\text{say little}} . $$
#
# The **evidence lower bound** is short of $\log p(x)$ by just as much as $q$ is from the true posterior,
# $\mathrm{KL}(q(z \mid x) \Vert p(z \mid x))$. Raising it makes the images more probable, or the encoder more honest,
# or both.
#
# ### Exercise 3: the bound
#
# From one draw $z$, decoded to `x_hat`. `losses.gaussian_nll(x, x_hat, sigma)` is $-\log p(x \mid z)$ with its
# constant, as in lesson 02; `kl` you have.


# %% tags=["solution"]
# stub: def elbo(x, x_hat, mu, logvar, sigma):
# stub:     ...  # your turn
def elbo(x, x_hat, mu, logvar, sigma):
    return -(losses.gaussian_nll(x, x_hat, sigma) + kl(mu, logvar))


# %%
check.elbo(elbo)

# %% [markdown]
# ## 4 · What a nat is worth: sigma
#
# The two terms are in one unit, nats, and there is no weight between them to tune. There is $\sigma$, the *decoder's*
# and not the cloud's: how far a pixel is expected to lie from its reconstruction. It is the **exchange rate**. A pixel
# that is off by 0.1 costs $0.1^2 / 2\sigma^2$: 2 nats at $\sigma = 0.05$, 0.125 at 0.2. The smaller $\sigma$, the more
# it pays to say.
#
# As a likelihood it has a best value, and that can be read off: the root mean square of the residual itself (Rybkin et
# al. 2021). Ours will be near 0.1. We take **0.2**, and say why: then a nat has to earn more, clouds are wide enough to
# overlap, and a network with dear words has few to spare for a lesion. It is a teacher's choice, and costs likelihood;
# sections 7 and 9 show what other values buy.

# %%
sigma, D = 0.2, 64 * 64
x = train.images[:5]
x_hat = vae.decode(z)
error = ((x - x_hat) ** 2).flatten(1).sum(dim=1).mean()
bound = -error / (2 * sigma**2) - D / 2 * np.log(2 * np.pi * sigma**2) - price
assert torch.isclose(bound, losses.elbo(x, x_hat, mu, logvar, sigma).elbo)
print(f"untrained: ELBO {bound.item():,.0f} nats an image, of which the KL takes {price.item():.2f}")

# %% [markdown]
# ### Exercise 4: the hidden beta
#
# Many weigh the KL by a factor $\beta$ (Higgins et al. 2017). With $\beta = 1$ it is the bound; with more, saying
# something is dearer still. Now a colleague, who wants $\beta = 1$ and $\sigma = 0.2$, writes
#
# ```python
# loss = F.mse_loss(x_hat, x) + kl(mu, logvar)
# ```
#
# `F.mse_loss` *averages* over the 64 × 64 pixels; `kl` is yours, a sum. A loss may be multiplied by any number without
# moving its minimum. So multiply it until the first term reads $\mathrm{SSE} / 2\sigma^2$: which $\beta$ stands before
# the KL?

# %% tags=["solution"]
# stub: hidden_beta = ...  # your turn
hidden_beta = 64 * 64 / (2 * 0.2**2)

# %%
check.hidden_beta(hidden_beta)

# %% [markdown] tags=["instructor"]
# **Say it slowly.** The mean is SSE / D. Multiply the loss by $D / 2\sigma^2$: the first term is right, and the KL has
# got the factor. If the KL is *also* averaged over $d$ latent numbers, $\beta = D / (2\sigma^2 d)$. Three published
# code bases for medical images are written so. Times the weight that each puts before its KL, β is 0.03 to 3, at
# $2\sigma^2 = 1$. Section 10 shows what this line trains.

# %% [markdown]
# ## 5 · Training
#
# Before training the KL is a few nats, as printed above. It is a cost. What will become of it?

# %%
lessons.predict(
    "03.kl",
    "After training, the KL will be…",
    choices=["near 0", "less than before, but not 0", "more than before"],
)

# %%
EPOCHS, held_out, prices, frames = 9, [], [], {}


def watch(epoch, numbers):
    x = val.images.to(next(vae.parameters()).device)  # where fit computes
    with torch.no_grad():
        out = vae(x, generator=torch.Generator().manual_seed(0))
    held_out.append(float(losses.elbo(x, out.x_hat, out.mu, out.logvar, sigma).loss))
    prices.append(numbers["kl"])
    if epoch in (1, 3, EPOCHS):
        frames[f"epoch {epoch}"] = latent.decode(vae, latent.prior_samples(8, d, seed=0))


step = training.vae_step(vae, sigma=sigma, lr=2e-3)
history = training.fit(step, data.Batches(train.images, 32), epochs=EPOCHS, on_epoch=watch)

# %%
print("KL by epoch, nats:", " · ".join(f"{one:.1f}" for one in prices))
plotting.curves(
    {"training people, −ELBO": history["loss"], "other people, −ELBO": held_out},
    alt="Two falling curves, nats an image against the epoch: people trained on, and people the network never saw.",
)

# %%
verdict = "near 0" if prices[-1] < 1 else "more than before" if prices[-1] > price else "less than before, but not 0"
lessons.reveal("03.kl", verdict, because="Each nat that is spent on z is more than earned back on the pixels.")

# %% [markdown]
# ## 6 · Walking and drawing
#
# First the cloud itself: three draws from the patient's $q(z \mid x)$, decoded, beside the middle of the cloud.

# %%
q = vae.eval().encode(patient.images)
three = latent.decode(vae, torch.cat([reparameterize(*q, torch.Generator().manual_seed(k)) for k in range(3)]).detach())
plotting.rows(
    {"": torch.cat([patient.images, anomaly.reconstruct(vae, patient.images), three])},
    columns=["the patient", "from mu", "a draw", "another", "a third"],
    caption="What the VAE makes of one slice: from the middle of its cloud, and from three draws.",
    alt="A slice with a dark tumour; beside it four nearly equal, blurred reconstructions without a clear tumour.",
)

# %% [markdown]
# Lesson 02 left a question: how *sure* is the network? Of its code, quite: the draws hardly differ. Of the pixels it
# can say nothing of its own. There the decoder's $\sigma$ is what we wrote down, at the tumour as anywhere.
#
# Now the walk of section 1, from $\mu$ to $\mu$ along a straight line, for both networks. Above them what a walk must
# *not* be: a mixture of two pictures.

# %%
t = torch.linspace(0, 1, 8).view(-1, 1, 1, 1)
ends = {name: latent.embed(model, pair.images) for name, model in {"AE": ae, "VAE": vae}.items()}
plotting.rows(
    {
        "pixels mixed": (1 - t) * pair.images[:1] + t * pair.images[1:],
        "autoencoder": latent.decode(ae, latent.interpolate(*ends["AE"], 8)),
        "VAE": latent.decode(vae, latent.interpolate(*ends["VAE"], 8)),
    },
    caption="From one person to another. Mixed pixels show two heads at once; the networks change one into the other.",
    alt="Three rows of eight slices from one person to another: mixed pixels, autoencoder, VAE.",
)

# %% [markdown]
# A straight line does well between the codes of *images*. Between two **draws** from the prior it is the wrong way. In
# 32 dimensions nearly all of $\mathcal N(0, I)$ lies close to a sphere of radius $\sqrt{32} = 5.7$. The middle of a
# straight line between two draws lies well inside it, where hardly any draw comes to lie. There one walks along an arc
# (`latent.slerp`).

# %%
a, b = latent.prior_samples(2, d, seed=0)
paths = {"line": latent.interpolate(a, b, 3), "arc": latent.slerp(a, b, 3)}
print("lengths at the start, middle and end:")
for name, path in paths.items():
    print(f"  {name:5}", " · ".join(f"{one:.1f}" for one in path.norm(dim=1)))
print(f"  mu of val's slices: {latent.embed(vae, val.images).norm(dim=1).mean():.1f} on average")

# %% [markdown]
# ### People who do not exist
#
# The prior was promised. But the decoder has practised on the **aggregate posterior**, on all the clouds together. Are
# they the same? We decode draws from $\mathcal N(0, I)$; from clouds of `train`, chosen at random; and, between the
# two, from the normal distribution that has the *mean and covariance* of `train`'s codes.

# %%
lessons.predict(
    "03.prior",
    "Which draws look most like real slices, by their distance in a classifier's features?",
    choices=["from the prior", "from the normal fitted to the codes", "from the clouds", "no difference"],
)


# %%
def fitted(model, n, seed):
    axes = latent.principal_axes(latent.embed(model, train.images))
    return axes.mean + latent.prior_samples(n, len(axes.std), seed) * axes.std @ axes.directions


n, noise = len(val), torch.Generator().manual_seed(3)
chosen = train.images[torch.randperm(len(train), generator=noise)[:n]]
with torch.no_grad():
    cloud = reparameterize(*vae.encode(chosen), noise)
drawn = {"the prior": latent.decode(vae, latent.prior_samples(n, d, seed=0))}
drawn |= {"a fitted normal": latent.decode(vae, fitted(vae, n, 0)), "the clouds": latent.decode(vae, cloud)}
plotting.rows(
    {f"prior, {name}": images for name, images in frames.items()}
    | {name: images[:8] for name, images in drawn.items() if name != "the prior"},
    caption="Decoded draws: from the prior, as training went on; from a normal fitted to the codes; from the clouds.",
    alt="Rows of eight decoded draws. Few from the prior are brains; from the fitted normal and the clouds they are.",
)

# %% [markdown]
# The **Fréchet distance** compares whole *sets* of pictures in the features of a network, here the kit's own
# classifier: the mean and the spread of what it sees. 0 is best. It compares models within this kit, on equally
# many pictures, and is not the *Fréchet Inception distance* of papers.

# %%
drawn["val, rebuilt"] = anomaly.reconstruct(vae, val.images)
drawn["autoencoder, a fitted normal"] = latent.decode(ae, fitted(ae, n, 0))
judged = DATA == "phantom" and CONTRAST == "T1w"  # what the classifier has learned on
if judged:
    see = scorecard.features(scorecard.Test(val, train, checkpoints.load("classifier")))
    away = {name: quality.frechet_distance(see(val.images), see(images)) for name, images in drawn.items()}
else:
    away = {name: float(from_real(images)) for name, images in drawn.items()}  # for want of a judge: in pixels
for name, value in away.items():
    print(f"{name:30} {value:8,.0f}" if judged else f"{name:30} {value:8.3f}")

# %%
answers = {
    "the prior": "from the prior",
    "a fitted normal": "from the normal fitted to the codes",
    "the clouds": "from the clouds",
}
low, high = (pick(answers, key=away.get) for pick in (min, max))
verdict = "no difference" if away[high] < 1.05 * away[low] else answers[low]
lessons.reveal("03.prior", verdict, because=f"Farthest from real slices are draws from {high}.")

# %% [markdown] tags=["instructor"]
# **Where they stumble.** Many expect the prior to win: it is what the formula promises. Let them say where a promise
# about *each* cloud became one about *all*. Then ask what would help: a prior that is learned, fewer latent numbers, or
# a distribution fitted to the codes, which is the row above the last.

# %% [markdown]
# So there is a **hole** here too. Averaged over `train`, the KL is a sum of two: what $z$ says about $x$, and how far
# all clouds *together* are from the prior (Hoffman and Johnson 2016). The first is at most $\log 1920 = 7.6$ nats:
# enough to tell each slice of `train` from all others. So the greater part of the KL is the second, and on it drawing
# rests. Yet it is small beside the hundreds of nats of the pixels: training sees to it last, if at all.
#
# The map in section 8 shows what is left: the clouds lie along a bow, slice by slice from the skull's base to the
# crown, and a bow is no ball. Where the prior lies beside it, nobody has practised.
#
# And be fair to the autoencoder: with a normal fitted to *its* codes it draws people too. Ghosh et al. (2020) found
# that autoencoders with a distribution fitted afterwards can draw as well as VAEs. What the VAE adds is the price: it
# says how *much* is said.
#
# **Try it** at home: `latent_dim=8` in the set-up, `sigma = 0.1` in section 4. Is the hole smaller with less room?
#
# ## 7 · The price of words
#
# Multiplying $\beta$ by 4 moves the minimum exactly as doubling $\sigma$ does, for
#
# $$ \frac{\mathrm{SSE}}{2\sigma^2} + \beta\,\mathrm{KL}
#    = \beta \left( \frac{\mathrm{SSE}}{2 (\sigma\sqrt\beta)^2} + \mathrm{KL} \right) . $$
#
# Four networks ship that differ in nothing else: $\beta$ = 0.1, 1, 4 and 16 at $\sigma = 0.05$; the last is a VAE with
# $\sigma = 0.2$. What is said, the KL, is the **rate**; what is lost, the squared error, the **distortion** (Alemi et
# al. 2018).

# %%
known = dev.where(visit="healthy") if DATA == "phantom" else data.load("phantom", "val")  # what these have learned on
mean = train.images.mean(0, keepdim=True) if DATA == "phantom" else known.images.mean(0, keepdim=True)
curve = {"the mean slice": (0.0, float(losses.squared_error(known.images, mean)))}
for beta in ("16", "4", "1", "0.1"):
    shipped = checkpoints.load(f"vae-beta-{beta}")
    with torch.no_grad():
        rate = float(losses.kl(*shipped.encode(known.images)))
    curve[f"β = {beta}"] = rate, float(losses.squared_error(known.images, anomaly.reconstruct(shipped, known.images)))
for name, (rate, distortion) in curve.items():
    print(f"{name:14} rate {rate:6.1f} nats · distortion {distortion:6.1f}")

# %%
figure = plotting.Figure(figsize=(5.2, 3.0), layout="constrained")
axis = figure.subplots()
axis.plot(*zip(*curve.values()), "o-", color="#0072b2")
for name, point in curve.items():
    axis.annotate(name, point, (5, 6), textcoords="offset points", fontsize=9)
axis.set(xlabel="rate: KL, nats an image", ylabel="distortion: squared error", xlim=(-5, 190), ylim=(0, None))
axis.spines[["top", "right"]].set_visible(False)
figure.alt = (
    "Squared error against KL: it falls from the mean slice to β = 16, and is nearly flat from there to β = 0.1."
)
figure

# %% [markdown]
# A fraction of the nats does nearly as well: most of what is said at a low price, the decoder cannot turn into the
# pixels of *other* people. **Try it:** move β, and look at the samples (the hole is there at every β) and at a lesion's
# residual. Choose another measure for the curve, such as the AP of dark lesions.

# %%
time_machine("beta")

# %% [markdown]
# ## 8 · What do the axes mean?
#
# Nobody told the network what people differ in. In a phantom we know: it was grown from causes, such as the size of its
# ventricles. A **linear probe** asks whether a weighted sum of $z$ can tell a cause, in people not seen. $R^2$ is 1 if
# it can, and about 0 if it does no better than the mean.

# %%
CAUSES = ["ventricle_size", "head_shape", "cortical_thinning", "rotation", "tissue_contrast", "noise"]
lessons.predict("03.cause", "Which of a person's causes can be read best off the VAE's z?", choices=CAUSES)

# %%
causes = {name: values for name, values in (train.factors or {}).items() if name in CAUSES}
probes = {}
for name, model in {"autoencoder": ae, "VAE": vae}.items() if causes else ():
    probes[name] = disentanglement.linear_probe(latent.embed(model, train.images), causes, train.subjects)
print(f"{'R²':20}" + "".join(f"{name:>14}" for name in probes))
for cause in causes:
    print(f"{cause:20}" + "".join(f"{found[cause]:14.2f}" for found in probes.values()))

# %%
why = "What moves many pixels at once is worth its nats; noise is worth none."
lessons.reveal("03.cause", max(probes["VAE"], key=probes["VAE"].get), because=why) if probes else None

# %% [markdown]
# Real people come without a list of causes, and the table stays empty. **Try it:** the explorer's sliders are not
# $z_1 \ldots z_{32}$ but the principal axes of all codes, each with the cause it goes with most closely. Follow one to
# ±3 σ, then draw from the prior. The map shows the first two: what parts the dots is mostly the *height* of the slice.

# %%
latent_explorer(vae, train, one_height=True)

# %%
latent_map(vae, dev)

# %% [markdown]
# ## 9 · Lesions
#
# As in lesson 02, a lesion is where $x$ and $\hat x$ differ. Does it help that the code is now a distribution?

# %%
lessons.predict(
    "03.dark",
    "Dark tumours are ranked best, by average precision, by…",
    choices=["|z| by level, which is no network", "the autoencoder", "the VAE"],
)


# %%
def by_model(model):
    return lambda s: anomaly.anomaly_map(model, s.images, s.brain)


SCORES = {"darkness itself": anomaly.darkness, "|z| by level": anomaly.ZScore.fit(train, per_level=True)}
SCORES |= {"autoencoder": by_model(ae), f"VAE, sigma = {sigma}": by_model(vae)}
SCORES |= {"VAE, sigma = 0.05, shipped": by_model(checkpoints.load("vae"))} if DATA == "phantom" else {}
found = {name: lessons.tumours(score, dev) for name, score in SCORES.items()}
ill = dev.where(visit="tumour-hypo")
print(f"AP, tumours (a guess: {metrics.prevalence(ill.masks, ill.brain):.2f})     dark    iso  bright")
for name, ap in found.items():
    print(f"{name:30}" + "".join(f"{ap[level]:7.2f}" for level in ("dark", "iso", "bright")))

# %%
answer = {"|z| by level": "|z| by level, which is no network", "autoencoder": "the autoencoder"}
best = max((name for name in found if name in answer or name.endswith(f"{sigma}")), key=lambda n: found[n]["dark"])
mine = found[f"VAE, sigma = {sigma}"]["dark"]
why = f"AP {found['|z| by level']['dark']:.2f}, {found['autoencoder']['dark']:.2f} and {mine:.2f}, in this order."
lessons.reveal("03.dark", answer.get(best, "the VAE"), because=why)

# %%
x, mask, brain = patient.images, patient.masks, patient.brain
both = {"autoencoder": ae, "VAE": vae}
rebuilt = torch.cat([anomaly.reconstruct(model, x) for model in both.values()])
plotting.rows(
    {"reconstruction": rebuilt, "residual": (x - rebuilt) * brain},
    masks=mask.expand(2, -1, -1, -1),
    columns=list(both),
    caption="The patient. Green: brighter than expected; brown: darker. Blue: the tumour.",
    alt="The patient as rebuilt by autoencoder and VAE, and the residuals: brown at the tumour, mixed elsewhere.",
)

# %% [markdown]
# On synthetic people the VAE with $\sigma = 0.2$ ranks dark and bright tumours better than the autoencoder does. It is
# also ahead of a VAE with $\sigma = 0.05$ that was trained for longer. Not because it rebuilds better: it rebuilds
# *worse*. Where words are dear, a tumour is not worth its nats, and is left out; and what the blur costs, the median
# filter forgives in thin folds. Yet |z| by level, which knows a mean and a standard deviation for each pixel and
# nothing else, is ahead of every network here, at all three brightnesses. Say so whenever you show the VAE's maps.
#
# ### A likelihood, and what it is worth
#
# The VAE can do one thing that no residual can: say how probable a whole image is. Are images with a tumour less
# probable? The **AUROC** is the share of pairs, one with a tumour and one healthy, that the ELBO puts in the right
# order: 0.5 is a coin.

# %%
lessons.predict(
    "03.elbo",
    "Slices with a dark tumour against the same people's healthy slices: the AUROC of −ELBO will be…",
    slider=(0.4, 1.0),
)


# %%
def terms(s):
    with torch.no_grad():
        q = vae.encode(s.images)
    # x_hat comes from mu and not from a draw, so that chance has no say: near the bound, not the bound itself
    pairs = zip(s.images.split(1), anomaly.reconstruct(vae, s.images).split(1), q.mu.split(1), q.logvar.split(1))
    each = [losses.elbo(*one, sigma) for one in pairs]
    return {"−ELBO": [-float(e.elbo) for e in each], "KL alone": [float(e.kl) for e in each]}


cut = dev.where(visit="tumour-hypo").masks.flatten(1).any(dim=1).numpy()  # slices that the tumour reaches
sick, well = dev.where(visit="tumour-hypo")[cut], dev.where(visit="healthy")[cut]
scores = {name: np.array(terms(well)[name] + values) for name, values in terms(sick).items()}
diseased = np.repeat([False, True], len(well))
auroc = {name: metrics.image_auroc(values, diseased) for name, values in scores.items()}
print(" · ".join(f"{name}: AUROC {value:.2f}" for name, value in auroc.items()))

# %%
lessons.reveal("03.elbo", auroc["−ELBO"], because="A tumour is a few pixels; how much cortex there is, is thousands.")

# %%
order = np.argsort(scores["−ELBO"][: len(well)]), np.argsort(scores["−ELBO"][len(well) :])
odd, usual = well[order[0][-8:]], sick[order[1][:8]]
plotting.grid(
    torch.cat([odd.images, usual.images]),
    masks=torch.cat([odd.masks, usual.masks]),
    caption="Above: the healthy slices that the VAE holds least probable. Below: the most probable with a tumour.",
    alt="Above, eight large healthy slices; below, eight with an outlined tumour each, most of them small.",
)

# %% [markdown] tags=["instructor"]
# **Discuss.** A colleague wants to triage scans by their ELBO. Whose scans come first? Those of people with large heads
# and many folds. What would a fair comparison be? With people of the same age, at the same level of the head.

# %% [markdown]
# A likelihood ranks by what *most pixels* do: slices with much brain and many folds are improbable, small and smooth
# ones probable, whatever is wrong with them. And the KL alone tells no more than a coin. Nalisnick et al. 2019 found
# networks that hold pictures of house numbers to be more probable than the photographs they were trained on.
# "Improbable" does not mean ill, nor "probable" healthy.
#
# ## 10 · What can go wrong here
#
# ### Posterior collapse
#
# Let us train with the colleague's line. Nothing stops, nothing is NaN, the loss falls.

# %%
torch.manual_seed(0)
copied = bl.VAE(config)


def mean_over_pixels(batch):
    out = copied(batch["x"])
    return {"loss": torch.nn.functional.mse_loss(out.x_hat, batch["x"]) + losses.kl(out.mu, out.logvar)}


wrong = training.OneNetworkStep(copied, mean_over_pixels, lr=2e-3)
fell = training.fit(wrong, data.Batches(train.images, 32), epochs=3)
print("loss by epoch:", " · ".join(f"{value:.4f}" for value in fell["loss"]))

# %% [markdown]
# ### Exercise 5: who says anything?
#
# Return the KL of each latent number, averaged over the images: (d,). Here a number that says less than 0.01 nats is
# called **inactive**.


# %% tags=["solution"]
# stub: def kl_each(mu, logvar):
# stub:     ...  # your turn
def kl_each(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(dim=0)


# %%
check.kl_each(kl_each)

# %%
figure = plotting.Figure(figsize=(6.4, 2.8), layout="constrained")
axis, told = figure.subplots(), []
for name, model, colour in (("ours", vae, "#0072b2"), ("mean over pixels", copied, "#d55e00")):
    with torch.no_grad():
        mu, logvar = model.encode(val.images)
    each = (0.5 * (mu**2 + logvar.exp() - 1 - logvar)).mean(dim=0).sort(descending=True).values
    told.append(f"{name}: {int((each > 0.01).sum())} of {d} active, {each.sum():.2f} nats")
    axis.plot(range(1, d + 1), each, "o-", markersize=4, color=colour, label=told[-1])
axis.set(xlabel="latent number, by what it says", ylabel="KL, nats", ylim=(-0.05, None))
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)
figure.alt = "KL of each latent number, sorted. " + "; ".join(told)
figure

# %%
plotting.rows(
    {
        "image": middle.images[:6],
        "ours": anomaly.reconstruct(vae, middle.images[:6]),
        "mean over pixels": anomaly.reconstruct(copied, middle.images[:6]),
    },
    caption="Posterior collapse: whoever it is shown, the network answers with the average brain.",
    alt="Six people's slices, their reconstructions by our VAE, and by the collapsed one: the same blur six times.",
)

# %% [markdown]
# Whoever it is shown, it answers with the mean. Samples from it are all alike, its KL is perfect, and its residual is
# $x - \text{mean}$. Collapse has milder forms, a part of the numbers silent. And it has other causes: a decoder so
# strong that it needs no code, or a KL that is enforced before the decoder can draw. (Bowman et al. 2016 let $\beta$
# climb from 0: `warm_up` in `training.vae_step`.) The remedy here is arithmetic: **sum over pixels, sum over latent
# numbers, average over the batch, and write $\sigma$ and $\beta$ down.**
#
# ### Blur
#
# Leave the hole aside, and look at draws from the clouds, or at any reconstruction: no fold is sharp. Longer training
# helps a little, not to the end. Where the network cannot know whether a sulcus lies here or a pixel to the left, the
# squared error is least for the *mean* of both, which is grey. A Gaussian, pixel by pixel, cannot say "sharp, but I do
# not know where".
#
# ## Your row
#
# What this VAE is worth, on people it has not seen, for the table that goes through the course.

# %%
row = {"psnr": metrics.psnr(val.images, anomaly.reconstruct(vae, val.images))}
row |= {"frechet": away["the prior"]} if judged else {}
lessons.keep_row("03", f"VAE, z = {d}", **row, **found[f"VAE, sigma = {sigma}"])

# %% [markdown]
# ## Three questions

# %%
lessons.quiz(
    "03.quiz-mean",
    "You copy a VAE that averages the error over pixels, and go from 64 × 64 to 128 × 128. The KL now weighs…",
    {
        "as much as before.": "The mean over pixels stands for four times as many of them, and has the same size.",
        "twice as much.": "Twice as many rows *and* columns are four times as many pixels.",
        "four times as much.": "Yes: β = D / 2σ², and D has grown fourfold. Sums do not change with the resolution.",
    },
    right="four times as much.",
)

# %%
lessons.quiz(
    "03.quiz-kl",
    "After training, the KL is 0.00 nats for every image. What does that tell you?",
    {
        "The encoder fits the prior perfectly.": "It does, and so says the same of every image: nothing.",
        "The decoder makes nothing of z.": "Yes. z is N(0, I) whatever the image is, so it carries no word about it.",
        "Training has converged.": "It may have, to the worst of minima: look at the reconstructions.",
    },
    right="The decoder makes nothing of z.",
)

# %%
lessons.quiz(
    "03.quiz-elbo",
    "A scan has a higher ELBO than any healthy one in `val`. Is it healthy?",
    {
        "Very likely.": "Smooth images are probable whatever is wrong with them: an average brain, a blurred scan.",
        "It cannot be said from this number.": "Yes. It ranks by what most pixels do, and a lesion is few of them.",
        "No, that is suspicious in itself.": "It may be odd, as an average is; but illness is not what is measured.",
    },
    right="It cannot be said from this number.",
)

# %% [markdown]
# ## You can now
#
# - **explain** what lies between points (nothing that was asked for) and between clouds;
# - **write** $\mu + \sigma\varepsilon$, the KL and the ELBO, and check them against `torch.distributions`;
# - **choose** $\sigma$ and $\beta$ as one exchange rate, and compute the $\beta$ of a mean over pixels;
# - **recognise** collapse by the KL of each number, and holes by drawing from the prior *and* from the clouds;
# - **judge** a likelihood: an honest bound on $\log p(x)$, and no diagnosis.

# %%
lessons.progress()

# %% [markdown]
# **Next** Reconstructions are blurred because they are judged pixel by pixel, and draws from the prior are mostly
# shapeless because nobody judges them at all. Who could judge whether a whole picture, drawn from noise, looks *real*?
# Another network: a discriminator. Lesson 04 lets it loose.
#
# **Further reading**
#
# - D. P. Kingma, M. Welling 2014, *Auto-encoding variational Bayes*, arXiv:1312.6114: a bound on the likelihood can be
#   trained by plain gradients, if the draw is reparameterised.
# - D. J. Rezende et al. 2014, *Stochastic backpropagation*, ICML: the same idea, found independently.
# - I. Higgins et al. 2017, *β-VAE*, ICLR: with β above 1 single latent numbers come to stand for single causes.
# - A. A. Alemi et al. 2018, *Fixing a broken ELBO*, ICML: models of one ELBO may say everything or nothing in z; report
#   rate and distortion.
# - O. Rybkin et al. 2021, *Simple and effective VAE training with calibrated decoders*, ICML: the best σ is the root
#   mean square residual, and replaces β.
# - M. D. Hoffman, M. J. Johnson 2016, *ELBO surgery*: the KL splits into what z says of x and how far the clouds
#   together are from the prior.
# - S. R. Bowman et al. 2016, *Generating sentences from a continuous space*, arXiv:1511.06349: with a strong decoder
#   the KL goes to 0 unless it is phased in.
# - P. Ghosh et al. 2020, *From variational to deterministic autoencoders*, ICLR: with a density fitted to their codes
#   afterwards, regularised autoencoders draw as well as VAEs.
# - T. White 2016, *Sampling generative networks*, arXiv:1609.04468: walk between draws on arcs.
# - E. Nalisnick et al. 2019, *Do deep generative models know what they don't know?*, ICLR: likelihood can be higher for
#   images of another kind.
# - C. Baur et al. 2021, *Medical Image Analysis* 69:101952: autoencoders and VAEs for lesions in brain MRI, in one
#   architecture.
