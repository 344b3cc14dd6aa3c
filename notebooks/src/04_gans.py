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
# # 04 · GANs
#
# Few of lesson 03's draws from the prior were brains, and none was sharp: a Gaussian judges pixel by pixel, and where
# a fold may lie here or there, it likes the mean of both best. Here nobody compares pixels. A second network looks at
# the picture and says "real" or "made up", and the first one learns to be believed.
#
# **You will be able to**
#
# - *write* the losses of both players, from logits, and say why one of two forms of them starves the generator;
# - *keep* each player's gradient out of the other's weights;
# - *fly* a GAN: read D(real) and D(fake), recognise three disasters and lead one back into balance;
# - *measure* samples: distance, precision, recall and copying, each beside what other real people score;
# - *explain* why a GAN finds no lesions until somebody inverts it.
#
# **Time** 45 minutes, of which the computer needs about two. **Builds on** 01 (classifier, features), 02 (residual,
# anomaly map) and 03 (z, samples from a prior).
#
# *For teaching, not for clinical use.*

# %% [markdown] tags=["instructor"]
# **For the instructor.** 45 minutes: two players 7, losses 8, whose turn 6, training 4, the cockpit 9, measuring 6,
# what can go wrong 3, inversion 2; the rest to read at home. Let the room play discriminator in the first picture
# before anything else, its caption out of sight: hands up for "real". In the cockpit let pairs agree on *one* lever and
# a reason before they press Play; eighty rounds are about a quarter of a minute.
#
# The one sentence to leave them with: *the discriminator is a loss function that learns; it teaches only while it is
# neither blind nor certain.*

# %% [markdown]
# ## Set up
#
# `gan` ships trained on the phantom's T1w slices. Give `DATA` the name of a folder of healthy slices, and the GAN
# trains on with them in section 4; what is drawn before are still the phantom's brains.

# %%
import numpy as np
import torch
from brainlab import anomaly, checkpoints, data, latent, lessons, losses, metrics, plotting, quality, training
from brainlab.lessons import check
from brainlab.scorecard import Test, features
from brainlab.widgets import gan_cockpit
from torch.nn import functional as F

DATA, CONTRAST = "phantom", "T1w"

# %%
train, val, dev = (data.load(DATA, split=name, contrast=CONTRAST) for name in ("train", "val", "dev"))
dev = data.with_lesions(dev)  # a folder of healthy people, if you name one, is given lesions; the phantom has them
well = dev.where(visit="healthy")
gan = checkpoints.load("gan")
z = latent.prior_samples(400, gan.config.latent_dim, seed=1)
samples = latent.decode(gan, z)
plotting.grid(
    torch.cat([well.images[len(well) // 16 :: len(well) // 8][:8], samples[:8]]),
    caption="Above: people of the data set. Below: drawn by a network from noise. For teaching, not for clinical use.",
    alt="A row of eight axial brain slices and below it eight drawn by the GAN: brains of grainy, patchy tissue.",
)

# %% [markdown]
# ## 1 · Two players
#
# The **generator** $G$ turns noise $z \sim \mathcal N(0, I)$ into an image $\tilde x = G(z)$. The **discriminator**
# $D$ says how probable it is that an image is real. They play for one number (Goodfellow et al. 2014, equation 1):
#
# $$ \min_G \max_D \; \mathbb E_{x}\left[\log D(x)\right] + \mathbb E_{z}\left[\log\left(1 - D(G(z))\right)\right]. $$
#
# $G$ never sees a real image. All that it learns of brains comes through $D$'s gradient. (*Real* means: from the data
# set. The phantom's people were grown by a program themselves, but not by this game.)

# %%
logits = gan.discriminator(samples[:4])
print("z", tuple(z.shape), "→ images", tuple(samples.shape), "→ logits", tuple(logits.shape))
print("D =", torch.sigmoid(logits).detach().numpy().round(2))

# %% [markdown]
# What did the VAE's pixel loss cost? Take the **edges**: how much neighbouring pixels differ, as a share of that in
# real slices. The VAE here is the one that ships, with $\sigma = 0.05$ and longer training than lesson 03's own.

# %%
lessons.predict(
    "04.edges",
    "Rebuilt by the shipped VAE, and drawn by the GAN: the strength of edges, real slices having 100 %, will be…",
    choices=["VAE below, GAN within 5 %", "VAE below, GAN above", "both below"],
)


# %%
def edges(images):
    return float(images.diff(dim=-1).abs().mean() + images.diff(dim=-2).abs().mean())


by_vae = anomaly.reconstruct(checkpoints.load("vae"), well.images)
share = {name: edges(x) / edges(well.images) for name, x in {"VAE": by_vae, "GAN": samples}.items()}
print(" · ".join(f"{name} {value:.0%}" for name, value in share.items()))

# %%
if share["VAE"] >= 1 or share["GAN"] < 0.95:
    verdict = "both below" if max(share.values()) < 1 else "the VAE is not below"
else:
    verdict = "VAE below, GAN within 5 %" if share["GAN"] <= 1.05 else "VAE below, GAN above"
because = "Nothing in the game asks for smoothness, and edges that are too strong are as easy to see through as blur."
lessons.reveal("04.edges", verdict, because=because)

# %% [markdown]
# Sharp is not the same as right: what looks like detail may be grain. Section 6 measures it.
#
# ### Exercise 1: the discriminator's loss
#
# What $D$ maximises, turned into a loss: $-\mathbb E \log D(x) - \mathbb E \log(1 - D(\tilde x))$. You get **logits**
# $a$, one an image, with $D = \sigma(a) = 1/(1 + e^{-a})$; there may be more fakes than real images, or fewer. Never
# form $D$ itself: $-\log \sigma(a) = \log(1 + e^{-a})$ is `F.softplus(-a)`, and stays finite.


# %% tags=["solution"]
# stub: def d_loss(real, fake):
# stub:     ...  # your turn
def d_loss(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


# %%
check.d_loss(d_loss)

# %% [markdown] tags=["instructor"]
# **Where students stumble.** `F.binary_cross_entropy_with_logits(torch.sigmoid(a), …)`: sigmoid twice. It trains,
# badly, and raises nothing. The check names it. And `torch.log(torch.sigmoid(a))`: right until D is sure, then −inf.

# %%
real, fake = (gan.discriminator(x).detach() for x in (well.images[:64], samples[:64]))
once = F.softplus(-real).mean() + F.softplus(fake).mean()
assert torch.isclose(once, losses.discriminator(real, fake))
print(f"D's loss {once:.2f} nats; at a draw, D = ½ everywhere, 2 log 2 = {2 * np.log(2):.2f}")

# %% [markdown]
# ### What is D at its best?
#
# Suppose that $D$ learns all there is to learn while $G$ stands still. Real images have density $p$, generated ones
# $q$. The best $D$ is
#
# $$ D^*(x) = \frac{p(x)}{p(x) + q(x)} $$
#
# (ibid., proposition 1), and its logit is $\log p/q$.
#
# ### Exercise 2: by hand
#
# Some kind of image is three times as frequent among real ones as among generated ones. What does the best $D$ say?

# %% tags=["solution"]
# stub: best = ...  # your turn
best = 3 / (3 + 1)

# %%
check.best(best)

# %% [markdown]
# Do networks find it? One dimension, where the densities can be written down: $p = \mathcal N(0, 1)$, $q = \mathcal
# N(2, 0.7^2)$, and a small network that sees only draws.

# %%
torch.manual_seed(0)
tiny = torch.nn.Sequential(torch.nn.Linear(1, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1), torch.nn.Flatten(0))
adam = torch.optim.Adam(tiny.parameters(), lr=0.02)
for _ in range(600):
    loss = losses.discriminator(tiny(torch.randn(256, 1)), tiny(2 + 0.7 * torch.randn(256, 1)))
    adam.zero_grad(), loss.backward(), adam.step()

at = torch.linspace(-2.5, 4, 131)
p, q = torch.distributions.Normal(0, 1).log_prob(at).exp(), torch.distributions.Normal(2, 0.7).log_prob(at).exp()
said = torch.sigmoid(tiny(at[:, None])).detach()
print(
    f"where most draws fell, off by on average {float((said - p / (p + q)).abs()[(at > -1.5) & (at < 3)].mean()):.2f}"
)
plotting.lines(
    at,
    {"p, real": p, "q, generated": q, "p / (p + q)": p / (p + q), "a network's D": said},
    xlabel="x",
    ylabel="density, probability",
    alt="Two bell curves, p left and q right of it; the network's D falls from 1 to 0 between them, on top of p/(p+q).",
)

# %% [markdown]
# So a discriminator estimates a ratio of densities, and $G$ follows it uphill: from where $q > p$ to where $p > q$.
# Against this $D^*$ the game's value is, but for constants, the Jensen–Shannon divergence of $p$ and $q$, smallest
# where $q = p$ (ibid., theorem 1).
#
# ## 2 · The generator's loss
#
# $G$ may minimise its half of the game as it stands (**minimax**), or maximise how real its images seem
# (**non-saturating**):
#
# $$ L_\text{minimax} = \mathbb E \log(1 - D(\tilde x)), \qquad L_\text{ns} = -\mathbb E \log D(\tilde x). $$
#
# Both want $D(\tilde x)$ to rise, and both end in the same place. At the start, every fake is seen through.

# %%
lessons.predict(
    "04.slope",
    "D is sure of a fake: D(x̃) = 0.1 %. The non-saturating loss's slope in the logit is how many times minimax's?",
    choices=["1: they want the same", "about 10", "about 1,000"],
)

# %%
a = torch.linspace(-8, 4, 121, requires_grad=True)
slope = {
    name: torch.autograd.grad(len(a) * loss(a), a)[0].abs()
    for name, loss in {"minimax": losses.minimax, "non-saturating": losses.non_saturating}.items()
}
D = torch.sigmoid(a.detach())
assert torch.allclose(slope["minimax"], D, atol=1e-5)
assert torch.allclose(slope["non-saturating"], 1 - D, atol=1e-5)
plotting.lines(
    a.detach(),
    slope,
    xlabel="logit of a fake (left: D is sure that it is one)",
    ylabel="size of the slope",
    alt="Two S-curves over the logit of a fake. Minimax's slope is 0 at the left and rises to 1 at the right; the"
    " non-saturating one is 1 at the left and falls to 0.",
)

# %%
lessons.reveal(
    "04.slope", "about 1,000", because="(1 − D) / D = 0.999 / 0.001. The worst fakes learn least by minimax."
)

# %% [markdown]
# That was one logit. Here is all of $\nabla_G$, for the GAN that ships as `gan-vanishing-gradient`: it was trained with
# minimax against a discriminator that became certain.

# %%
stuck = checkpoints.load("gan-vanishing-gradient")
fake = stuck.discriminator(stuck.decode(z[:32]))
for name, loss in {"minimax": losses.minimax, "non-saturating": losses.non_saturating}.items():
    found = torch.autograd.grad(loss(fake), list(stuck.generator.parameters()), retain_graph=True)
    print(f"{name:15} ‖∇G‖ {torch.cat([one.flatten() for one in found]).norm():.2g}")

# %% [markdown]
# ### Exercise 3: the generator's loss
#
# Write the one that learns. `fake` are D's logits of generated images, (B,).


# %% tags=["solution"]
# stub: def g_loss(fake):
# stub:     ...  # your turn
def g_loss(fake):
    return F.softplus(-fake).mean()


# %%
check.g_loss(g_loss)

# %%
fake = gan.discriminator(samples[:64]).detach()
assert torch.isclose(F.softplus(-fake).mean(), losses.non_saturating(fake))
assert torch.isclose(-F.softplus(fake).mean(), losses.minimax(fake))

# %% [markdown]
# A large gradient is not good advice, though. Where $D$ is certain, what it says of a picture may be about anything:
# the non-saturating loss keeps the generator moving, not improving. That is the second disaster in the cockpit.
#
# ## 3 · Whose turn is it?
#
# The two losses pull the same fakes in opposite directions. `loss.backward()` asks no questions: it follows the graph
# from D's loss through the fakes into the generator.
#
# ### Exercise 4: D's turn
#
# Return D's loss on real images `x` and on fakes made from `z`, by your `d_loss` or `losses.discriminator`. When
# somebody calls `backward()` on it, every weight of D must get its gradient, and no weight of G any.


# %% tags=["solution"]
# stub: def d_turn(generator, discriminator, x, z):
# stub:     ...  # your turn
def d_turn(generator, discriminator, x, z):
    fake = generator(z).detach()
    return losses.discriminator(discriminator(x), discriminator(fake))


# %%
check.d_turn(d_turn)

# %% [markdown]
# And without the `detach`? Then D's loss has a gradient in G as well. Which way does it point?

# %%
fake = gan.discriminator(gan.decode(z[:32]))
ours = list(gan.generator.parameters())
to_be_caught = torch.autograd.grad(losses.discriminator(fake.detach(), fake), ours, retain_graph=True)
to_fool = torch.autograd.grad(losses.minimax(fake), ours)
u, v = (torch.cat([one.flatten() for one in found]) for found in (to_be_caught, to_fool))
print(f"cosine of the two gradients in G: {float(F.cosine_similarity(u, v, dim=0)):.2f}")

# %% [markdown]
# Exactly the opposite: one optimiser step over both networks would teach G to be caught, and undo minimax to the last
# digit. `training.gan_step` therefore asks for each player's gradient by name (`torch.autograd.grad`), draws fakes for
# D without a graph, and gives each player an optimiser of its own.

# %% [markdown] tags=["instructor"]
# **Where students stumble.** `discriminator(fake).detach()`: then D learns from real images only, and the check says
# so. `generator.requires_grad_(False)`: works for one turn, and the generator is frozen in the next. A `zero_grad`
# before every `backward` hides a missing detach as long as both optimisers do it: it is wasted work then, no error.
# That is why the check looks at gradients and not at weights.

# %% [markdown]
# ## 4 · Training
#
# One run of 60 epochs, thirteen minutes on one core, seen at seven moments. Always the same z.

# %%
MOMENTS = {f"epoch {n}": f"gan-epoch-{n}" for n in (0, 1, 3, 5, 10, 20)} | {"epoch 60": "gan"}
plotting.rows(
    {name: latent.decode(checkpoints.load(file), z[:8]) for name, file in MOMENTS.items()},
    caption="Synthetic. Seven moments of one run; in each column the same z.",
    alt="Seven rows of eight pictures: grey, a checked pattern, a blurred oval the same for every z, then brains that"
    " differ, at first in pieces, at last whole and grainy.",
)

# %% [markdown]
# At first every z gives nearly the same picture; variety comes later. Now train on from epoch 20 and watch the
# two numbers to read: the mean of $D$ on real slices and on fakes.

# %%
STEPS = 80
young = checkpoints.load("gan-epoch-20") if DATA == "phantom" else gan
seen = {"D(real)": [], "D(fake)": []}
step = training.gan_step(young)


def watch(number, numbers):
    for name, logits in zip(seen, step.logits.values()):
        seen[name].append(float(torch.sigmoid(logits).mean()))


training.fit(step, data.Batches(train.images, 32), steps=STEPS, on_batch=watch)
if DATA != "phantom":  # from here on it is this GAN's samples that are judged
    gan, samples = young, latent.decode(young, z)
plotting.lines(
    range(1, STEPS + 1),
    seen,
    xlabel="step",
    ylabel="mean verdict",
    alt=f"D of real slices and of fakes over {STEPS} steps, jagged; on average {np.mean(seen['D(real)']):.2f}"
    f" and {np.mean(seen['D(fake)']):.2f}.",
)

# %%
print(" · ".join(f"mean {name} {np.mean(values):.2f}" for name, values in seen.items()))

# %% [markdown]
# It zigzags and goes nowhere, as it should: neither loss falls in a sound run. Both means near ½ is a draw; 1 and 0 is
# a discriminator that has won, and has nothing left to teach. **Losses do not say how good the pictures are.**
#
# ## 5 · The cockpit
#
# Four starts. What do the verdicts say, and how *varied* are the samples (1: as real slices are, 0: all alike)?

# %%
STARTS = {"good": "gan", "collapse": "gan-mode-collapse", "D wins": "gan-discriminator-wins"}
STARTS |= {"vanishing": "gan-vanishing-gradient"}
drawn, apart = {}, float(torch.pdist(well.images[::5].flatten(1)).mean())
for name, file in STARTS.items():
    one = checkpoints.load(file).train()  # verdicts as in training: BatchNorm looks at the batch
    with torch.no_grad():
        drawn[name] = one.decode(z[:64])
        sides = [torch.sigmoid(one.discriminator(x)).mean() for x in (train.images[::30], drawn[name])]
    varied = float(torch.pdist(drawn[name].flatten(1)).mean()) / apart
    print(f"{name:10} D(real) {sides[0]:.2f}   D(fake) {sides[1]:.2f}   variety {varied:.2f}")

# %%
plotting.rows(
    {name: x[:8] for name, x in drawn.items()},
    caption="Synthetic. The same eight z, four generators.",
    alt="Four rows of eight: different brains; eight times the same ragged brain; eight times the same checked oval;"
    " eight times grey.",
)

# %% [markdown]
# Look at **collapse**: D(real) and D(fake) are near each other, as in the good GAN. The verdicts alone do not show that
# every z draws one and the same picture; you must look at more than one sample.
#
# ### Exercise 5: bring it back to balance
#
# The cockpit begins with mode collapse: its discriminator learned at a fifth of the usual rate and never objected. Move
# **one** lever, say why it should help, press *Play*, and pause after some eighty rounds.

# %%
cockpit = gan_cockpit("gan-mode-collapse", train.images)
cockpit

# %%
cockpit.state.balance_check().sentence

# %% [markdown]
# Balanced? Then hand in the cockpit: `balanced = cockpit`. Or hand in a lever alone, such as `{"lr_g": 2e-4}`; there
# are `lr_d`, `lr_g`, `k_d`, `k_g`, `smoothing` and `loss`. Then the check flies for 80 rounds of its own, which takes a
# quarter of a minute.

# %% tags=["solution"]
# stub: balanced = ...  # your turn: cockpit, or levers such as {"lr_g": 2e-4}
balanced = {"lr_d": 1e-4}

# %%
check.balanced(balanced)

# %% [markdown] tags=["instructor"]
# **What they try.** A slower generator (lr_g 1e-4): it stays collapsed. A faster D (lr_d 1e-4 or 2e-4) or four turns of
# D: back in balance within eighty rounds, the turns at three times the time. *Then* let them load "the discriminator
# wins" and turn lr_d down to 2e-5 and lr_g up to 8e-4: after some 200 rounds D is no longer sure, and what is left is
# mode collapse. Not every disaster has a quick way back; that is why one keeps snapshots, and why the cockpit can
# rewind.

# %% [markdown]
# ## 6 · Measuring samples
#
# Two sets of pictures are compared in **features**: what lesson 01's kind of classifier sees in them, in all its
# layers. Fit a Gaussian to each set; the **Fréchet distance** of the two is
#
# $$ d^2 = \lVert m_1 - m_2 \rVert^2 + \operatorname{tr}\left(C_1 + C_2 - 2\,(C_1^{1/2} C_2\, C_1^{1/2})^{1/2}\right) $$
#
# (Heusel et al. 2017). That is one number for everything. So beside it stand
#
# - **precision**: what share of samples lies among the real ones?
# - **recall**: what share of the real ones lies among samples?
# - **copied**: the probability that a sample is nearer to a training slice than another person's slice is. ½ is
#   honest, 1 copies, 0 is unlike anybody.
#
# And first, always, the row that says what can be reached: other real people. (With a folder of your own the rows of
# epochs are still the phantom's GAN, and "trained on above" is yours.)

# %%
lessons.predict(
    "04.measure",
    "The good GAN's pictures look like brains. Which will be nearer to what other real people score?",
    choices=["precision: each looks real", "recall: all kinds are there", "both reach it, within 0.1"],
)

# %%
see = features(Test(well, train, checkpoints.load("classifier")))
n = min(len(val), len(well), 320)
judged = see(well.images[:n])
sets = {"other real people": val.images[:n]}
sets |= {name: latent.decode(checkpoints.load(file), z)[:n] for name, file in MOMENTS.items() if name != "epoch 0"}
sets |= {"trained on above": latent.decode(young, z)[:n]}
sets |= {"mode collapse": latent.decode(checkpoints.load("gan-mode-collapse"), z)[:n]}
known, table = see(train.images), {}
print(f"{'':21}Fréchet  precision  recall  copied")
for name, images in sets.items():
    f = see(images)
    table[name] = (quality.frechet_distance(judged, f), *quality.precision_recall(judged, f))
    copied = quality.memorisation(known, judged, f).closer
    print("{:21}{:7.0f}  {:9.2f}  {:6.2f}  {:6.2f}".format(name, *table[name], copied))

# %%
good = "epoch 60" if DATA == "phantom" else "trained on above"
short = {k: table["other real people"][i] - table[good][i] for i, k in ((1, "precision"), (2, "recall"))}
near = "both reach it, within 0.1" if max(short.values()) < 0.1 else min(short, key=short.get)
named = {"precision": "precision: each looks real", "recall": "recall: all kinds are there"}
told = f"Short of other people by {short['precision']:.2f} in precision and {short['recall']:.2f} in recall."
lessons.reveal("04.measure", named.get(near, near), because=told)

# %% [markdown]
# Mode collapse has no recall, as it must, and no precision either: the one brain that it draws is a bad one. And
# compare the two columns along the run: pictures come to look right well before all kinds of people are among them.
# **Kinds that are missing are collapse in small**, and no loss and no single picture shows it. Even the last epoch is
# far from the first row: read that row before you call any of the others good.
#
# ### Is it learned by heart?
#
# A share far above ½ under *copied* would say so. Look as well: each sample with the training slice nearest to it.

# %%
nearest = torch.cdist(samples[:6].flatten(1), train.images.flatten(1)).argmin(dim=1)
plotting.rows(
    {"sample": samples[:6], "nearest in train": train.images[nearest]},
    caption="Nearest pixel by pixel, among all training slices.",
    alt="Six samples and below each the training slice nearest to it: of a like outline, but never the same brain.",
)

# %% [markdown]
# ### How many samples?
#
# A Fréchet distance depends on how many pictures it was taken from. Here are two halves of the *same* real people, and
# the GAN, with more and more of them.

# %%
mixed = see(torch.cat([train.images, well.images]))
mixed = mixed[torch.randperm(len(mixed), generator=torch.Generator().manual_seed(0))]
drawn = see(latent.decode(gan, latent.prior_samples(800, gan.config.latent_dim, seed=2)))
COUNTS = [m for m in (60, 100, 200, 400, 800) if 2 * m <= len(mixed)]
by_count = {
    "real against real": [quality.frechet_distance(mixed[:m], mixed[m : 2 * m]) for m in COUNTS],
    "GAN against real": [quality.frechet_distance(mixed[:m], drawn[:m]) for m in COUNTS],
}
for name, values in by_count.items():
    print(f"{name:18}", "  ".join(f"{m}: {value:.0f}" for m, value in zip(COUNTS, values)))
plotting.lines(
    COUNTS,
    by_count,
    xlabel="pictures on each side",
    ylabel="Fréchet distance",
    alt="Two curves that fall as pictures are added: two halves of the same real slices, towards 0, and the GAN above.",
)

# %% [markdown]
# Nothing about the GAN changed along its curve. With few pictures even the same people are "far" from each other: a
# Fréchet distance without its number of samples says nothing, and without the real-against-real line little. And these
# features are the kit's own. A paper's **FID** takes those of Inception, a network that was trained on photographs: the
# two cannot be compared.
#
# ## 7 · Noise as control
#
# Nobody told G what the numbers of z should mean. Walk from one z to another: a straight line cuts through the middle,
# where in many dimensions no draw from $\mathcal N(0, I)$ comes to lie; an arc keeps its length (lesson 03).

# %%
ends = z[[9, 11]]
print(f"of {len(z)} draws the shortest has ‖z‖ {z.norm(dim=1).min():.1f}, the longest {z.norm(dim=1).max():.1f}")
walks = {"straight": latent.interpolate(*ends, 7), "arc": latent.slerp(*ends, 7)}
for name, path in walks.items():
    print(f"{name:9} ‖z‖ in the middle {path[3].norm():.1f} · at the ends {path[0].norm():.1f}, {path[-1].norm():.1f}")
faded = torch.stack([torch.lerp(*latent.decode(gan, ends), t) for t in torch.linspace(0, 1, 7)])
plotting.rows(
    {"pixels faded": faded} | {name: latent.decode(gan, path) for name, path in walks.items()},
    caption="From one sample to another. Above: their pixels mixed. Below: their z mixed.",
    alt="Three rows from one brain to another. Mixed pixels show both brains at once, like a double exposure; mixed z"
    " show a single brain at each step.",
)

# %% [markdown]
# In the upper row the middle is a double exposure of two brains; in the lower ones it is *one* brain, if an invented
# one. (Line and arc look much alike: this G puts up with a z that is too short.) So z is control, with unlabelled
# levers. Labels can be found afterwards. Measure something in many samples, such as how much of the picture is brain,
# and look for the direction of z that it rises with most, by regression.

# %%
many = latent.prior_samples(600, gan.config.latent_dim, seed=3)
pictures = latent.decode(gan, many)
area = (pictures > 0.15).flatten(1).double().mean(1)  # the share of the picture that is brain: high and low slices
line = torch.linalg.lstsq(torch.cat([many.double(), torch.ones(len(many), 1)], 1), area[:, None]).solution[:-1, 0]
lever = (line / line.norm()).float()
start = many[100] - (many[100] @ lever) * lever
path = start + torch.linspace(-2.5, 2.5, 7)[:, None] * lever
moved = latent.decode(gan, path)
print("brain, share of the picture:", (moved > 0.15).flatten(1).double().mean(1).numpy().round(2))
plotting.grid(
    moved,
    columns=7,
    caption="One direction in z, found by regression: how much of the picture is brain.",
    alt="Seven samples along one direction of z: from a small cut through a brain to a large one.",
)

# %% [markdown]
# Not everything has such a lever. We tried the phantom's known causes as well. A probe reads ventricle size or atrophy
# poorly off a single slice (R² of 0.0 to 0.4 in other people), and no straight direction of z moved them steadily.
#
# ## 8 · What can go wrong here: samples as data
#
# "We had few patients, so we enlarged the training set with a GAN." Does it help? Take lesson 02's linear autoencoder,
# PCA, which learns in an instant. Fit it to a few people, with and without 160 of the GAN's samples, and ask how well
# its residual ranks dark tumours. Three draws of people each; and, for comparison, ten more people instead, as many
# slices as there are samples.

# %%
lessons.predict(
    "04.enlarge",
    "Adding the GAN's samples raises the average precision…",
    choices=["for 2 people, less for 32", "for both about alike", "for neither"],
)


# %%
ill = dev.where(visit="tumour-hypo")[::2]
rim, names = anomaly.erode(ill.brain), np.array(train.subjects)


def ap_of_pca(images, components=16):
    """The average precision of what this many components of the images leave over of dark tumours."""
    mean = images.flatten(1).mean(0)
    _, _, axes = torch.pca_lowrank(images.flatten(1), q=components)
    d = ill.images.flatten(1) - mean
    left = (d - d @ axes @ axes.T).abs().view_as(ill.images) * ill.brain
    return metrics.average_precision(anomaly.median(left, 5) * rim, ill.masks, ill.brain)


found = {}
for draw in range(3):
    torch.manual_seed(draw)
    queue = np.random.default_rng(draw).permutation(np.unique(names))
    for count in (2, 32):
        own, ten = (train.images[np.isin(names, some)] for some in (queue[:count], queue[count : count + 10]))
        for arm, extra in {"alone": own[:0], "160 samples": samples[:160], "10 more people": ten}.items():
            found.setdefault((count, arm), []).append(ap_of_pca(torch.cat([own, extra])))
for (count, arm), values in found.items():
    print(f"{count:3} people, {arm:16} AP {np.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})")

# %%
gain = [round(np.mean(found[count, "160 samples"]) - np.mean(found[count, "alone"]), 2) + 0.0 for count in (2, 32)]
verdict = "for 2 people, less for 32" if gain[0] > gain[1] + 0.02 else "for both about alike"
verdict = "for neither" if max(gain) <= 0.02 else verdict
told = f"2 people: {gain[0]:+.2f}; 32 people: {gain[1]:+.2f}. Judge it beside the spread of the draws."
lessons.reveal("04.enlarge", verdict, because=told)

# %% [markdown]
# Mind where this GAN came from: it was trained on 120 people. Whoever has them need not add samples to two; a GAN
# trained on the two could only repeat them. **Samples help where the generator has seen more people than the model
# that learns from them**, as when another hospital shares its GAN and not its scans. Where there are enough people,
# samples add pictures and the generator's mistakes, and no knowledge. And where its people are not yours, they harm. We
# tried it on real T1w slices (OASIS), with this GAN trained on for twenty steps only: its samples cost 0.08 of AP at
# two people and 0.07 at 32. The test is always the one above: the same model without them, and with more
# *people* in their place.
#
# ## 9 · The GAN has no encoder
#
# G draws healthy brains only, so a lesion should not come back. But $|x - G(z)|$ needs the $z$ of *this* patient, and
# the game gave us no way from $x$ to $z$. Two ways back, both with the features $f$ that D sees:
#
# - **search** (AnoGAN; its authors add absolute differences): go down in $z$, hundreds of steps an image, on
#   $\lVert x - G(z) \rVert^2 + \kappa \frac{n}{n_f} \lVert f(x) - f(G(z)) \rVert^2$ with $n$ pixels and $n_f$ features;
# - **f-AnoGAN**: train an encoder $z = E(x)$ for the finished GAN, with the same loss. It ships as `fanogan`, for the
#   phantom's T1w.

# %%
fanogan, vae = checkpoints.load("fanogan"), checkpoints.load("vae")
x, x_hat = well.images[:8], anomaly.reconstruct(fanogan, well.images[:8])
see_d = fanogan.gan.discriminator.features
f, f_hat = see_d(x), see_d(x_hat)
weight = x[0].numel() / f[0].numel()
by_hand = ((x - x_hat) ** 2).flatten(1).sum(1).mean() + weight * ((f - f_hat) ** 2).flatten(1).sum(1).mean()
assert torch.isclose(by_hand, losses.inversion(x, x_hat, f, f_hat))

psnr = {
    name: float(metrics.psnr(well.images, anomaly.reconstruct(model, well.images)))
    for name, model in {"f-AnoGAN": fanogan, "VAE": vae}.items()
}
print("healthy people rebuilt:", " · ".join(f"{name} {value:.1f} dB" for name, value in psnr.items()))

# %% [markdown]
# A sharp edge in the wrong place costs twice: once where it is, once where it should be. A blurred one costs little.

# %%
lessons.predict(
    "04.invert",
    "With that PSNR: dark tumours are ranked by f-AnoGAN's |x − x̂|, beside the shipped VAE…",
    choices=["better", "about as well", "worse"],
)

# %%
patient = lessons.patient(dev)
x = patient.images
back = {"f-AnoGAN": anomaly.reconstruct(fanogan, x), "search": anomaly.gan_inversion(fanogan.gan, x).x_hat}
back["VAE"] = anomaly.reconstruct(vae, x)
drawn = torch.cat([x, *back.values()])
plotting.rows(
    {"picture": drawn, "|x − x̂|": (x - drawn).abs() * patient.brain},
    maps=["|x − x̂|"],
    masks=patient.masks.expand(len(drawn), -1, -1, -1),
    columns=["our patient", *back],
    caption="The course's patient, and three ways to rebuild the slice. Blue: the tumour.",
    alt="A slice with a dark tumour and three reconstructions, two grainy by the GAN and one blurred by the VAE, all"
    " without the tumour's full darkness; below, the differences, brightest at the tumour, and specks elsewhere.",
)


# %%
def residual(model):
    return lambda s: anomaly.anomaly_map(model, s.images, s.brain)


found = lessons.tumours(residual(fanogan), dev)
by_vae = lessons.tumours(residual(vae), dev)
by_level = lessons.tumours(anomaly.ZScore.fit(train, per_level=True), dev)  # lesson 03's |z| by level: no network
for kind in found:
    print(f"{kind:7} AP  f-AnoGAN {found[kind]:.2f}   VAE {by_vae[kind]:.2f}   |z| by level {by_level[kind]:.2f}")

# %%
apart = found["dark"] - by_vae["dark"]
verdict = "about as well" if abs(apart) <= 0.02 else "better" if apart > 0 else "worse"
because = "What finds is not how well a model rebuilds the healthy, but how little of a lesion it can draw."
lessons.reveal("04.invert", verdict, because=because)

# %%
lessons.keep_row("04", "GAN, inverted by f-AnoGAN", psnr=psnr["f-AnoGAN"], frechet=table["epoch 60"][0], **found)

# %% [markdown]
# What comes back is *a* healthy brain, though not the patient's own. Its folds lie elsewhere: G can draw only what its
# 32 numbers reach, and the low recall said that many people are not among that. So specks of healthy tissue light up
# as well, and a threshold must live with them.
#
# It also matters which VAE stands beside it: on synthetic people your own of lesson 03, with $\sigma = 0.2$, comes
# nearer (compare the rows). And |z| by level, which is no network, is ahead of them all.

# %% [markdown]
# ## Three questions

# %%
lessons.quiz(
    "04.quiz-balance",
    "Round after round D(real) and D(fake) are both near ½. What do you know?",
    {
        "The samples are as good as real slices.": "D cannot tell them apart; a slow or small D never could.",
        "The players are in balance, and no more.": "Yes. Collapse can look like that: look at many samples, measure.",
        "Training is over.": "Nothing tells from these numbers that it is; in a sound run they stay there throughout.",
    },
    right="The players are in balance, and no more.",
)

# %%
lessons.quiz(
    "04.quiz-frechet",
    "A paper reports an FID of 12 from 5,000 samples; you measure 30 from 300 with the same features. Your GAN is…",
    {
        "worse.": "Your 300 alone raise the number: two halves of the same people are not at 0 either.",
        "possibly as good.": "Yes. Compare at equal numbers, beside real against real at that number.",
        "overfitted.": "A Fréchet distance cannot tell: that takes the way to the nearest training pictures.",
    },
    right="possibly as good.",
)

# %%
lessons.quiz(
    "04.quiz-certain",
    "D has won: 1 on every real slice, 0 on every fake, and G plays minimax. What happens next?",
    {
        "G learns fast, it has most to gain.": "Its slope is D(fake), and that is 0.",
        "Hardly anything.": "Yes. Another loss gives G a slope again; good advice needs a D that is not certain.",
        "D forgets.": "It has no reason to: its loss is 0, and so is its gradient.",
    },
    right="Hardly anything.",
)

# %% [markdown]
# ## You can now
#
# - **write** both losses from logits, and say where minimax is flat;
# - **keep** D's gradient out of G, and say which way it would have pulled;
# - **fly** a GAN by D(real) and D(fake), and bring a collapsed one back;
# - **measure** samples beside real people, at a stated number of pictures, copies included;
# - **explain** why a GAN must be inverted to find lesions, and why a bad copy of the healthy may find them well.

# %%
lessons.progress()

# %% [markdown]
# **Next** look at the table's last two models. The VAE has an encoder, and blurs; the GAN is sharp, and cannot say
# whose brain it drew. Lesson 05 marries them: an encoder in front, a discriminator behind.
#
# **Further reading**
#
# - I. Goodfellow et al. 2014, *Generative adversarial nets*, NeurIPS: the game, its optimal discriminator, and the
#   generator's loss that does not saturate.
# - A. Radford, L. Metz, S. Chintala 2016, *DCGAN*, ICLR: convolutions and norms with which such training is mostly
#   stable.
# - T. Salimans et al. 2016, *Improved techniques for training GANs*, NeurIPS: label smoothing, and a discriminator
#   that sees many samples at once against collapse.
# - M. Heusel et al. 2017, *GANs trained by a two time-scale update rule*, NeurIPS: two learning rates converge, and the
#   Fréchet distance agrees with disturbances of images.
# - T. Kynkäänniemi et al. 2019, *Improved precision and recall*, NeurIPS: quality and variety need two numbers.
# - T. Schlegl et al. 2019, *f-AnoGAN*, Medical Image Analysis 54:30: a learned encoder inverts a GAN at once, for
#   anomalies in retinal scans.
# - J. P. Cohen, M. Luck, S. Honari 2018, *Distribution matching losses can hallucinate features*, MICCAI: a GAN adds
#   tumours to medical images, or takes them out, as its training set has them.
