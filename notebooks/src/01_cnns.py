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
# # 01 · CNNs
#
# Nine weights slide over a brain and find its edges. Four layers of such weights, learned from slices that somebody has
# labelled, say *tumour*. This lesson builds such a network, asks it why, and then asks it what it cannot know: that
# is where the generative models of this course begin.
#
# **You will be able to**
#
# - *write* a convolution, and say how much of a brain one number in a network sees;
# - *write* the training loop, and recognise four errors that never raise an exception;
# - *judge* a classifier by person and by class, on people it has never met;
# - *ask* it where it looked (Grad-CAM), and measure whether that is where the lesion lies;
# - *name* what no classifier can tell you.
#
# **Time** 45 minutes, of which the computer needs about one. **Builds on** 00 (contrast, splits) and PyTorch's basics:
# tensors, modules, gradients.
#
# *For teaching, not for clinical use.*

# %% [markdown] tags=["instructor"]
# **For the instructor.** 45 minutes: convolution 8, receptive field 5, training 9, judging 6, inside and Grad-CAM 8,
# two ways to learn 4, what it cannot tell 5. The labelled people are grown at the first run (a minute or two) and
# cached: run the setup cells before the class.
#
# The one sentence to leave them with: *a classifier answers with one of the names it was taught, whatever you show it.*

# %% [markdown]
# ## Set up

# %%
import brainlab as bl
import numpy as np
import torch
from brainlab import checkpoints, data, filters, lessons, metrics, plotting, saliency, training
from brainlab.lessons import check, naming
from brainlab.widgets import filter_lab
from torch.nn import functional as F

DATA, CONTRAST = "phantom", "T1w"

# %% [markdown]
# A classifier needs people whose lesions have a **name**. `labelled` are forty people, each scanned healthy and with
# each kind of lesion. (A folder of healthy people, if you name one, is given lesions.) We take all slices of the
# healthy scan. Of the other scans we take the slices in which the lesion's cut measures at least 2 cm².
#
# That is kinder than a clinic: many plaques of multiple sclerosis are a pixel or two wide at this size. The classifier
# that ships with the kit has to name those as well, and it calls more than half of all healthy slices ill. So plaques
# are left out, for now.

# %%
labelled = naming.labelled(DATA, CONTRAST)
CLASSES, UNKNOWN = naming.names(labelled)
known = naming.large(labelled, CLASSES, mm2=200)
target = torch.tensor([CLASSES.index(label) for label in known.labels])
print({name: int(n) for name, n in zip(CLASSES, target.bincount())}, "slices · kept for later:", UNKNOWN)

# %% [markdown]
# Others, whom nobody shows to the network, are `dev`; and one of them is **our patient**, the same slice in every
# lesson of this course: a dark tumour.

# %%
dev = naming.others(DATA, CONTRAST)  # None, and a sentence, where nobody is healthy enough to be given a tumour
patient = known[[int(target.argmax())]] if dev is None else lessons.patient(dev)
shown = [int(i) for c in range(len(CLASSES)) for i in torch.where(target == c)[0][2:40:13]]
plotting.grid(
    torch.cat([known.images[shown], patient.images]),
    titles=[*(known.labels[i] for i in shown), "our patient"],
    masks=torch.cat([known.masks[shown], patient.masks]),
    columns=5,
    caption="Slices by their label; blue: the lesion, which the network is never shown.",
    alt="Three slices of each class, with outlined lesions where there are some, and the slice of our patient.",
)

# %% [markdown]
# ## 1 · A kernel
#
# A **kernel** $w$ is a small square of weights. It slides over the image; at each place, multiply and sum:
#
# $$ y_{ij} = \sum_{a} \sum_{b} w_{ab}\; x_{i+a,\,j+b} . $$
#
# Deep learning calls this a *convolution*. In mathematics that is the name for the same with the kernel turned by
# 180°; this is the **cross-correlation**. A network learns its weights, so to a network it is all the same.
#
# ### Exercise 1: write it
#
# `image` is (H, W), `kernel` (k, k) with an odd k. Return (H, W), with zeros beyond the border.


# %% tags=["solution"]
# stub: def convolve(image, kernel):
# stub:     ...  # your turn
def convolve(image, kernel):
    k = kernel.shape[0]
    padded = F.pad(image, [k // 2] * 4)
    y = torch.zeros_like(image)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            y[i, j] = (padded[i : i + k, j : j + k] * kernel).sum()
    return y


# %%
check.convolve(convolve)

# %% [markdown]
# `check.convolve.hint()` helps, more at each call; `check.convolve.solution()` shows one answer. Unanswered exercises
# never stop the notebook.
#
# The **Sobel** kernel is positive where the picture gets brighter from left to right.

# %%
print(filters.KERNELS["sobel x"])
lessons.predict(
    "01.sobel",
    "What happens to the Sobel picture if the kernel is turned by 180°?",
    choices=["nothing", "it turns by 180° too", "bright and dark change places"],
)

# %%
x = patient.images[0, 0]
sobel = filters.KERNELS["sobel x"]
pictures = {"Sobel x": filters.filtered(x, sobel), "turned by 180°": filters.filtered(x, sobel, flip=True)}
pictures |= {name: filters.filtered(x, filters.KERNELS[name]) for name in ("laplacian", "gaussian 5")}
assert torch.equal(pictures["Sobel x"], F.conv2d(x[None, None], sobel[None, None], padding=1)[0, 0])
plotting.grid(
    torch.stack([x, *(y if name == "gaussian 5" else 0.5 + y / 4 for name, y in pictures.items())])[:, None],
    titles=["our patient", *pictures],
    columns=5,
    caption="Mid-grey is 0, but for the slice itself and the Gaussian, which blurs it.",
    alt="A slice; its vertical edges, bright on one side and dark on the other; the same with bright and dark"
    " exchanged; thin outlines from the Laplacian; and the slice blurred.",
)

# %%
same = torch.allclose(pictures["turned by 180°"], -pictures["Sobel x"])
lessons.reveal(
    "01.sobel",
    "bright and dark change places" if same else "nothing",
    because="Turned, this kernel is its own negative. That is how to find out which of the two a library computes.",
)

# %% [markdown]
# **Try it.** Type a kernel of your own. Which one shows the tumour's rim and nothing else? (None, and that is why one
# layer is not enough.)

# %%
filter_lab(slices=patient, parts=("filter",))

# %% [markdown]
# ## 2 · How much does one number see?
#
# After one layer with a 4 × 4 kernel a number has seen 4 × 4 pixels. The kernel moves by two pixels at a time (its
# **stride** $s$), so the picture that it leaves has half the width. The next kernel covers more of the brain. With
# kernels $k_l$ and strides $s_l$ the **receptive field** is
#
# $$ r = 1 + \sum_{l} (k_l - 1) \prod_{m<l} s_m . $$
#
# ### Exercise 2: compute it
#
# `kernels` and `strides` are lists, from the image up.


# %% tags=["solution"]
# stub: def receptive_field(kernels, strides):
# stub:     ...  # your turn
def receptive_field(kernels, strides):
    field, jump = 1, 1
    for k, s in zip(kernels, strides):
        field += (k - 1) * jump
        jump *= s
    return field


# %%
check.receptive_field(receptive_field)

# %% [markdown]
# Our classifier has four such layers. Is the formula true of it? Ask autograd which pixels have any influence on the
# *middle* number of each layer's map. (Between the convolutions stands a normalisation, which takes mean and spread
# over the *whole* picture; it is left out here. With it, everything sees everything, a little.)

# %%
net = bl.Classifier(bl.ModelConfig(classes=CLASSES))
seen, kernel, stride = [], 4, 2
convolutions = [block[0] for block in net.cnn]
for depth in range(1, 5):
    image = torch.zeros(1, 1, 128, 128, requires_grad=True)
    y = image
    for conv in convolutions[:depth]:
        y = F.conv2d(y, conv.weight.abs(), stride=conv.stride, padding=conv.padding)
    middle = y.shape[-1] // 2
    slope = torch.autograd.grad(y[0, :, middle, middle].sum(), image)[0][0, 0]
    seen.append(int((slope > 0).any(0).sum()))
    assert seen[-1] == 1 + sum((kernel - 1) * stride**below for below in range(depth))
print("one number sees, in pixels across:", seen, "of", known.images.shape[-1])

# %% [markdown]
# At the end, the mean of each map over all its places is taken, and a dense layer turns those 64 means into one
# **logit** $y_c$ for each class. How *much* of a pattern there is counts, not where. The classes' probabilities are
# the **softmax** of the logits,
#
# $$ p_c = \frac{e^{y_c}}{\sum_{c'} e^{y_{c'}}} . $$
#
# ## 3 · The training loop
#
# What is asked for: that the right class be probable. The **cross-entropy** is $-\log p_c$ of the true class $c$,
# averaged over a batch. A guess among $K$ classes costs $\ln K$.
#
# ### Exercise 3: one step
#
# `net`, an `optimiser` that knows its weights, images `x` and the classes' numbers `label`. Improve the network once;
# return the loss. The network may come to you fresh from an evaluation, in eval mode.


# %% tags=["solution"]
# stub: def train_step(net, optimiser, x, label):
# stub:     ...  # your turn
def train_step(net, optimiser, x, label):
    net.train()
    optimiser.zero_grad()
    loss = F.cross_entropy(net(x), label)
    loss.backward()
    optimiser.step()
    return loss.item()


# %%
check.train_step(train_step)

# %% [markdown] tags=["instructor"]
# **Where students stumble.** `zero_grad` between `backward` and `step`: nothing ever moves. No `zero_grad` at all: the
# first step is right, so a look at one batch finds nothing. And a softmax before `cross_entropy`, from habit with
# Keras. None of them raises an exception; that is why they are an exercise.

# %% [markdown]
# Before any training, part the people. A third of them stays out of it: **people**, not slices.

# %%
people = np.random.default_rng(0).permutation(np.unique(known.subjects))
away = np.isin(known.subjects, people[: len(people) // 3])
train, held = known[~away], known[away]
y, truth = target[~away], target[away]
assert not set(train.subjects) & set(held.subjects)
for name, part in {"to learn from": train, "held out": held}.items():
    print(f"{name}: {len(part)} slices of {len(set(part.subjects))} people")

# %% [markdown]
# Where one class is much more frequent, as healthy slices are in the phantom, a network does well to name it always.
# With **class weights** $w_c \propto 1 / n_c$ each class counts the same in the loss.
#
# Some two dozen people are few. So we train twice, with the same loop: once from random weights, for three times as
# many epochs; and once from the convolutions of a network that ships with the kit (**transfer**). That one has
# practised on 320 other people, none of whom is in this lesson. Only its last layer, which gives the names, begins
# anew.

# %%
lessons.predict(
    "01.start",
    "Balanced accuracy on unseen people (a guess: 1 / classes). How far ahead is the start from shipped weights?",
    choices=["less than 0.05", "0.05 to 0.2", "more than 0.2"],
)

# %%
EPOCHS = 6
share = y.bincount(minlength=len(CLASSES)) / len(y)
weights = 1 / share / len(CLASSES)
batches = data.Batches({"x": train.images, "label": y}, 32)


def learn(start, epochs=EPOCHS):
    """The loop in full; returns the network and its loss epoch by epoch."""
    torch.manual_seed(0)
    net = bl.Classifier(bl.ModelConfig(classes=CLASSES))
    if start is not None:
        net.cnn.load_state_dict(start.cnn.state_dict())
    adam, losses = torch.optim.Adam(net.parameters(), lr=1e-3), []
    for epoch in range(epochs):
        net.train()
        for batch in batches.epoch(epoch):
            adam.zero_grad()
            cost = F.cross_entropy(net(batch["x"]), batch["label"], weights)
            cost.backward()
            adam.step()
            losses.append(cost.item())
    net.eval()
    return net, np.array(losses).reshape(epochs, -1).mean(1)


scratch, slow = learn(None, epochs=3 * EPOCHS)
classifier, quick = learn(checkpoints.load("classifier"))
plotting.curves(
    {"from random weights": slow, "from shipped weights": quick, "a guess": [np.log(len(CLASSES))] * 3 * EPOCHS},
    ylabel="cross-entropy, training",
    alt="The training loss of two networks against the epoch: from shipped weights it falls"
    f" from {quick[0]:.2f} to {quick[-1]:.2f}, from random weights from {slow[0]:.2f} to {slow[-1]:.2f}.",
)

# %% [markdown]
# `training.fit` with `training.classifier_step` is this loop, with a learning rate that falls at the end, a progress
# bar and a way to go on. One of its steps does to the weights exactly what ours does:

# %%
batch, twins = next(iter(batches)), [bl.Classifier(bl.ModelConfig(classes=CLASSES)) for _ in range(2)]
twins[1].load_state_dict(twins[0].state_dict())
training.classifier_step(twins[0], lr=1e-3, class_weights=weights.tolist())(batch)
adam = torch.optim.Adam(twins[1].parameters(), lr=1e-3)
F.cross_entropy(twins[1](batch["x"]), batch["label"], weights).backward()
adam.step()
apart = [float((a - b).detach().abs().mean()) for a, b in zip(*(one.parameters() for one in twins))]
assert max(apart) < 1e-5  # of a step of 1e-3: Adam makes rounding visible where a slope is all but 0

# %% [markdown]
# ## 4 · Lesion or not, and which
#
# Accuracy flatters whoever names the commonest class. **Recall** is the share of a class's slices that is named
# rightly; **balanced accuracy** is the mean of the classes' recalls.
#
# ### Exercise 4: balanced accuracy
#
# `truth` and `answer` are tensors of class numbers, (N,).


# %% tags=["solution"]
# stub: def balanced_accuracy(truth, answer):
# stub:     ...  # your turn
def balanced_accuracy(truth, answer):
    recalls = [(answer[truth == c] == c).float().mean() for c in truth.unique()]
    return torch.stack(recalls).mean()


# %%
check.balanced_accuracy(balanced_accuracy)


# %%
def recalls(truth, answer):
    return {CLASSES[c]: float((answer[truth == c] == c).float().mean()) for c in truth.unique()}


def by_person(net, s, truth):
    """Balanced accuracy of each person's slices, and its mean with an interval over people."""
    answer, names = saliency.probabilities(net, s.images).argmax(1), np.array(s.subjects)
    each = {n: np.mean(list(recalls(truth[names == n], answer[names == n]).values())) for n in np.unique(names)}
    return metrics.mean_interval(each)


results = {name: by_person(net, held, truth) for name, net in {"random": scratch, "shipped": classifier}.items()}
for name, one in results.items():
    told = f"({one.low:.2f}–{one.high:.2f}) over people" if np.isfinite(one.low) else "(too few people for an interval)"
    print(f"from {name:8} weights: balanced accuracy {one.value:.2f} {told}")

# %%
ahead = results["shipped"].value - results["random"].value
verdict = "less than 0.05" if ahead < 0.05 else "0.05 to 0.2" if ahead <= 0.2 else "more than 0.2"
lessons.reveal(
    "01.start",
    verdict,
    because=f"{ahead:.2f}. The loop was the same: what differs is how many people the weights have seen.",
)

# %% [markdown]
# One number hides *which* errors. The **confusion matrix** has a row for each truth and a column for each answer.

# %%
answer = saliency.probabilities(classifier, held.images).argmax(1)
confusion = torch.stack([answer[truth == c].bincount(minlength=len(CLASSES)) for c in range(len(CLASSES))])
print(f"{'truth':12}" + "".join(f"{name:>12}" for name in CLASSES) + f"{'recall':>10}")
share_right = recalls(truth, answer)
for name, row in zip(CLASSES, confusion):
    print(f"{name:12}" + "".join(f"{int(n):12}" for n in row) + f"{share_right.get(name, np.nan):10.2f}")

# %% [markdown]
# Read it by rows: of the people with this, what were they told? Whether it is worse to miss a lesion or to alarm the
# healthy is no question of accuracy; the class weights have answered it silently. And all of this holds for *large*
# lesions of these kinds. And our patient?

# %%
p = saliency.probabilities(classifier, patient.images)[0]
print("our patient:", ", ".join(f"{name} {float(value):.0%}" for name, value in zip(CLASSES, p)))

# %% [markdown]
# ## 5 · Inside
#
# The first layer's kernels, learned and not designed, and what each layer makes of our patient. For each layer the
# four channels with the largest mean are shown.

# %%
first = classifier.cnn[0][0].weight.detach()
reach = float(first.abs().max())
plotting.grid(
    first,
    limits=(-reach, reach),
    caption="The sixteen kernels of the first layer, 4 × 4 weights each. Mid-grey is 0.",
    alt="Sixteen small squares of four by four weights. Some are bright on one side and dark on the other, as an edge"
    " kernel is; others have no name.",
)

# %%
strongest = {}
for layer in range(1, 5):
    maps = saliency.layer_maps(classifier, patient.images, layer)[0]
    top = maps[maps.mean((1, 2)).argsort(descending=True)[:4]]
    wide = F.interpolate(top[:, None], size=x.shape, mode="nearest")
    strongest[f"layer {layer}, {maps.shape[-1]} × {maps.shape[-1]}"] = wide / wide.amax()
plotting.rows(
    {"our patient": patient.images.expand(4, -1, -1, -1), **strongest},
    maps=list(strongest),
    masks=patient.masks.expand(4, -1, -1, -1),
    caption="Feature maps of our patient, four channels a layer. Blue: the tumour.",
    alt="The patient's slice, and below it feature maps: fine outlines in layer 1, coarser patches from layer to"
    " layer, a few large squares in layer 4.",
)

# %% [markdown]
# Sharp and simple at first, coarse and particular later: layer 4 has 4 × 4 places only. **Try it:** choose a person,
# a layer, a channel; then look at what the answer rests on.

# %%
filter_lab(classifier, held)

# %% [markdown]
# ## 6 · Where did it look?
#
# **Grad-CAM** asks which channels speak for a class, and where those channels are active. With the maps $A_k$ of a
# layer and the logit $y_c$,
#
# $$ \alpha_k = \frac{1}{hw} \sum_{ij} \frac{\partial y_c}{\partial A_{k,ij}}, \qquad
# M = \mathrm{ReLU}\Big( \sum_k \alpha_k A_k \Big) . $$
#
# ### Exercise 5: Grad-CAM
#
# `maps` $A$ and their `slopes` $\partial y_c / \partial A$ are (N, K, h, w). Return $M$, (N, 1, h, w).


# %% tags=["solution"]
# stub: def cam(maps, slopes):
# stub:     ...  # your turn
def cam(maps, slopes):
    alpha = slopes.mean((2, 3))
    return (alpha[:, :, None, None] * maps).sum(1, keepdim=True).relu()


# %%
check.cam(cam)

# %% [markdown]
# Once in full on our patient, and it equals the kit's:

# %%
LAYER = 4
why = CLASSES.index(next(name for name in ("tumour", CLASSES[-1]) if name in CLASSES))
maps = saliency.layer_maps(classifier, patient.images, LAYER).requires_grad_()
logits = classifier.last(classifier.pool(classifier.cnn[LAYER:](maps)))
slopes = torch.autograd.grad(logits[:, why].sum(), maps)[0]
by_hand = (slopes.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True).relu()
by_hand = F.interpolate(by_hand, size=x.shape, mode="bilinear").detach()
assert torch.allclose(by_hand, saliency.grad_cam(classifier, patient.images, why, LAYER), atol=1e-5)

# %%
lessons.predict(
    "01.where",
    f"Grad-CAM for “{CLASSES[why]}” on unseen people who have one: how often is its brightest pixel inside the lesion?",
    slider=(0, 100),
    unit="%",
)

# %%
mine = held[np.array(held.labels) == CLASSES[why]]
some = mine[np.linspace(0, len(mine) - 1, 5).astype(int)]
x6, m6 = torch.cat([patient.images, some.images]), torch.cat([patient.masks, some.masks])
heat = saliency.grad_cam(classifier, x6, why, LAYER) * torch.cat([patient.brain, some.brain])
plotting.overlay(
    x6,
    heat / heat.amax((1, 2, 3), keepdim=True).clamp(min=1e-6),
    m6,
    above=0.3,
    columns=6,
    caption=f"Grad-CAM for “{CLASSES[why]}” from 30 % of each map's peak. First our patient. Blue: the lesion.",
    alt="Six slices, each with a large coloured patch where the classifier found what speaks for its answer. The"
    " patches cover much more than the outlined lesions, and a patch is often brightest beside the lesion.",
)

# %% [markdown]
# A picture convinces too easily, so measure, inside the brain. A **hit** is a map whose largest value lies in the
# lesion; **mass** is the share of the map that does. Both stand beside what a map without any idea would have: the
# lesion's share of the brain. And each for three layers: the paper's choice, the last, is not the only one.

# %%
by_chance = float((mine.masks.flatten(1).sum(1) / mine.brain.flatten(1).sum(1)).mean())
hits = {}
for layer in (2, 3, 4):
    heat, ours = (saliency.grad_cam(classifier, s.images, why, layer) * s.brain for s in (mine, patient))
    hits[layer] = float(metrics.pointing_hit(heat, mine.masks).float().mean())
    mass = np.nanmean(metrics.mass_share(heat, mine.masks).numpy())
    told = "hit" if metrics.pointing_hit(ours, patient.masks).all() else "missed"
    print(f"layer {layer}: hit {hits[layer]:.0%}, mass {mass:.0%} · our patient: {told}")
print(f"a map without any idea: {by_chance:.0%} for both")

# %%
best = max(hits, key=hits.get)
told = f"By layer {hits[2]:.0%}, {hits[3]:.0%} and {hits[4]:.0%}: whoever may choose the layer afterwards says {best}."
lessons.reveal("01.where", round(100 * hits[LAYER]), because=told)

# %% [markdown]
# The layers disagree about the same answer, and none of them draws an outline: layer 4 has 4 × 4 places, and a place in
# layer 3 sees half the width of a brain. What a map shows is what the *answer* rests on. That may be the lesion, the
# ventricle that it pushes aside, or the healthy half that it is compared with. To name what is there and to know where
# it is are different things.
#
# How would such a map do as a detector, pixel by pixel? Every lesson of this course adds its row to one table: average
# precision on the tumours of `dev`, from the highest pixel down. (1 is perfect; a guess scores the share of the brain
# that is lesion, printed below.) We take the last layer, as the paper does.

# %%
row = None
if dev is not None and "tumour" in CLASSES:
    found = lessons.tumours(lambda s: saliency.grad_cam(classifier, s.images, why, LAYER), dev)
    row = lessons.keep_row("01", "classifier, Grad-CAM", **found)
row

# %% [markdown]
# Is that the map's merit? AP pools the pixels of all slices, so to be strong in the right *slices* pays, wherever in
# them a map points. A control without any place in it: the class's probability, laid evenly over the brain.

# %%
if row is not None:
    even = lessons.tumours(
        lambda s: s.brain * saliency.probabilities(classifier, s.images)[:, why, None, None, None], dev
    )
    print("AP of the bare probability:", ", ".join(f"{kind} {value:.2f}" for kind, value in even.items()))
    dark = dev.where(visit="tumour-hypo")
    print(f"a guess: {float(dark.masks.sum() / dark.brain.sum()):.2f}")

# %% [markdown]
# What the map has above that control is what it knows of the place; where it has nothing above it, it knows none.
#
# Keep an eye on the **iso-intense** column. The coming lessons compare intensities, and a tumour as bright as grey
# matter hides from that. A classifier has been told what tumours do to their surroundings. And there is the price: it
# had to be told. (In the phantom no *bright* tumour was among its examples. It shows.)
#
# ## 7 · Two ways to learn
#
# A classifier may learn $p(c \mid x)$, the border between classes and nothing else: it is **discriminative**. Or it
# learns what each class looks like, $p(x \mid c)$, and turns that round with Bayes' rule: it is **generative**,
#
# $$ p(c \mid x) = \frac{p(x \mid c)\, p(c)}{\sum_{c'} p(x \mid c')\, p(c')} . $$
#
# The simplest pair: **logistic regression**, and **naive Bayes**, which says that within a class each feature is a
# Gaussian of its own, independent of the others. Ng and Jordan (2002) compared such pairs. Naive Bayes needs fewer
# examples to come as far as it ever will; with very many, logistic regression is at least as good. (They proved it
# where both classes share each feature's variance, so that both models draw straight borders. Here each class has its
# own, and the border of naive Bayes is curved.)
#
# Eight features a slice: five percentiles of brightness, and three of the difference between left and right.


# %%
def features(s):
    x, brain = s.images[:, 0].numpy(), s.brain[:, 0].numpy()
    bright, across = np.where(brain, x, np.nan), np.where(brain & brain[..., ::-1], abs(x - x[..., ::-1]), np.nan)
    return np.concatenate(
        [np.nanpercentile(bright, (2, 10, 50, 90, 98), (1, 2)), np.nanpercentile(across, (50, 90, 98), (1, 2))]
    ).T


lessons.predict(
    "01.few",
    "With eight labelled slices of each class, which makes fewer errors on unseen people?",
    choices=["naive Bayes (generative)", "logistic regression (discriminative)", "within 0.01 of each other"],
)

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

a, b = features(train), features(held)
models = {
    "naive Bayes": GaussianNB(var_smoothing=1e-6),
    "logistic regression": LogisticRegression(C=100, max_iter=2000),
}
draw, smallest = np.random.default_rng(0), int(y.bincount().min())
SIZES = [n for n in (3, 5, 8, 16, 32, 64, 128) if n <= smallest]
errors = {name: np.zeros((len(SIZES), 20)) for name in models}
for i, n in enumerate(SIZES):
    for repeat in range(20):
        chosen = np.concatenate([draw.choice(np.flatnonzero(y == c), n, replace=False) for c in range(len(CLASSES))])
        for name, model in models.items():
            said = make_pipeline(StandardScaler(), model).fit(a[chosen], y[chosen]).predict(b)
            errors[name][i, repeat] = 1 - np.mean(list(recalls(truth, torch.from_numpy(said)).values()))

# %%
figure = plotting.Figure(figsize=(5.5, 3.0), layout="constrained")
axis = figure.subplots()
for name, marker in zip(models, "os"):
    mean, spread = errors[name].mean(1), errors[name].std(1) / 20**0.5
    axis.errorbar(SIZES, mean, 2 * spread, marker=marker, markersize=4, capsize=2, label=name)
axis.axhline(1 - 1 / len(CLASSES), color="0.5", linestyle=":", label="a guess")
axis.set(xscale="log", xticks=SIZES, xticklabels=SIZES, xlabel="labelled slices of each class", ylabel="balanced error")
axis.minorticks_off()
axis.grid(alpha=0.3)
axis.legend(frameon=False)
ends = {name: (e.mean(1)[0], e.mean(1)[-1]) for name, e in errors.items()}
figure.alt = "Balanced error on unseen people against the number of labelled slices: " + "; ".join(
    f"{name} falls from {start:.2f} to {end:.2f}" for name, (start, end) in ends.items()
)
figure

# %%
at = SIZES.index(min(8, SIZES[-1]))
bayes, logistic = (errors[name].mean(1)[at] for name in models)
verdict = (
    "within 0.01 of each other"
    if abs(bayes - logistic) < 0.01
    else ("naive Bayes (generative)" if bayes < logistic else "logistic regression (discriminative)")
)
gap = [errors["naive Bayes"].mean(1)[i] - errors["logistic regression"].mean(1)[i] for i in (at, -1)]
lessons.reveal(
    "01.few",
    verdict,
    because=f"Naive Bayes' error minus logistic regression's: {gap[0]:+.2f} with {SIZES[at]} slices of each class,"
    f" {gap[1]:+.2f} with {SIZES[-1]}. Ng and Jordan lead us to expect that this difference rises.",
)

# %% [markdown]
# Read the curves from left to right, and mind the bars: they are over draws of the training slices, and all draws share
# the same few people to be tested on. Whoever assumes what a class looks like may get by with fewer examples, and pays
# for a wrong assumption in the end. And there is something that only a generative model can do at all: say that $p(x)$,
# the denominator, is small. That no class it knows looks like *this*.
#
# ## 8 · What can go wrong here
#
# ### A split by slices
#
# In a clinic a person has one diagnosis. So let each of ours have one: one scan a person. Then a slice's neighbour, of
# the same person and with the same label, is all that is needed. Here is the plainest classifier that remembers and
# understands nothing: it finds the most similar training slice, pixel by pixel, and repeats its label.

# %%
lessons.predict(
    "01.leak",
    "Balanced accuracy of that memory if slices are split at random, minus the same if people are:",
    slider=(-20, 60),
    unit="points",
)

# %%
from sklearn.neighbors import KNeighborsClassifier

one, names = np.zeros(len(known), dtype=bool), np.array(known.subjects)
for i, name in enumerate(people):
    theirs = target[names == name].unique()
    one |= (names == name) & (target == theirs[i % len(theirs)]).numpy()
flat, label, who = known.images[one].flatten(1).numpy(), target[one], names[one]
draw, memory, leak = np.random.default_rng(0), KNeighborsClassifier(1), {"people": [], "slices": []}
for _ in range(10):
    outs = np.isin(who, draw.permutation(people)[: len(people) // 3]), draw.random(len(who)) < 1 / 3
    for name, out in zip(leak, outs):
        said = torch.from_numpy(memory.fit(flat[~out], label[~out]).predict(flat[out]))
        leak[name].append(np.mean(list(recalls(label[out], said).values())))
for name, scores in leak.items():
    print(f"split by {name}: balanced accuracy {np.mean(scores):.2f}, mean of ten splits")

# %%
lessons.reveal(
    "01.leak",
    round(100 * (np.mean(leak["slices"]) - np.mean(leak["people"]))),
    because="Points for knowing the person, and none for knowing the disease. The mend is one line: split people.",
)

# %% [markdown]
# ### A softmax too many
#
# `F.cross_entropy` has the softmax inside. Hand it probabilities and it trains, slowly, towards a loss that can never
# be small: even if the network is *certain* and right, the second softmax sees one 1 and otherwise zeros.

# %%
K = len(CLASSES)
certain = F.one_hot(torch.arange(K), K).float()  # probabilities: 1 for the truth
floor = F.cross_entropy(certain, torch.arange(K))
assert torch.isclose(floor, torch.tensor(np.log(1 + (K - 1) / np.e), dtype=torch.float32))
print(f"a guess {np.log(K):.2f} · certain and right, with one softmax 0.00, with two {floor:.2f}")

# %% [markdown]
# ### Training mode, and a gradient that is not set back
#
# Batch normalisation takes mean and spread from the *batch* while it trains. Left in that mode, a patient's result
# depends on who else is in the queue. (The kit's networks use group normalisation, which does not.)

# %%
torch.manual_seed(0)
norm = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
for mode in ("train", "eval"):
    norm.train(mode == "train")
    queue = torch.cat([patient.images, held.images[:7]])
    differ = (norm(patient.images)[0] - norm(queue)[0]).detach().abs().max()
    print(f"{mode:5} mode: our patient alone or in a queue differs by up to {float(differ):.3f}")

# %%
losses = {}
for name, forgets in {"as it should be": False, "without zero_grad": True}.items():
    torch.manual_seed(0)
    net, losses[name] = bl.Classifier(bl.ModelConfig(classes=CLASSES)), []
    net.cnn.load_state_dict(checkpoints.load("classifier").cnn.state_dict())
    sgd = torch.optim.SGD(net.parameters(), lr=0.02)
    for batch in list(batches.epoch(0)) * 3:
        if not forgets:
            sgd.zero_grad()
        cost = F.cross_entropy(net(batch["x"]), batch["label"], weights)
        cost.backward()
        sgd.step()
        losses[name].append(cost.item())
    print(f"{name:18} loss: last ten batches {np.mean(losses[name][-10:]):.2f}, worst batch {max(losses[name]):.2f}")

# %% [markdown]
# Without `zero_grad` each step goes by the sum of all gradients so far: a heavy ball that never brakes. It may still
# fall, which makes it hard to find.
#
# ## 9 · What a classifier cannot tell you
#
# Show it what it has no name for: slices with the kind of lesion that we kept out; FLAIR, in which every tissue has
# another brightness; and noise, which is nobody at all.

# %%
lessons.predict(
    "01.unknown",
    "Noise, drawn pixel by pixel. How sure is the classifier of its answer, in the middle case?",
    choices=["near a guess: below 50 %", "50 to 90 %", "above 90 %"],
)

# %%
strange = {
    f"{UNKNOWN}, never named": labelled[np.array(labelled.labels) == UNKNOWN].images,
    "healthy, FLAIR": data.load("phantom", split="val", contrast="FLAIR").images,
    "noise": torch.rand(200, *patient.images.shape[1:], generator=torch.Generator().manual_seed(0)),
}
sure = {}
print(f"{'':22}" + "".join(f"{name:>12}" for name in CLASSES) + f"{'how sure':>12}")
for name, images in {"unseen people": held.images, **strange}.items():
    p = saliency.probabilities(classifier, images)
    sure[name] = float(p.amax(1).median())
    called = p.argmax(1).bincount(minlength=K) / len(p)
    print(f"{name:22}" + "".join(f"{float(one):12.0%}" for one in called) + f"{sure[name]:12.0%}")

# %%
verdict = "above 90 %" if sure["noise"] > 0.9 else "50 to 90 %" if sure["noise"] >= 0.5 else "near a guess: below 50 %"
lessons.reveal(
    "01.unknown", verdict, because="A softmax shares out 100 % among the names it knows; there is no remainder."
)

# %% [markdown]
# Look down the last column: nowhere does it say "I have not seen this", and on noise, where no answer is right, it is
# surer than the guess that it ought to make. What is strange may get a lower number, but so does many a slice of its
# own kind. An unknown kind of lesion becomes a known one or healthy, by the side of the border on which it falls. How
# far it lies from all that was ever learned, a border does not say. (To be exact: the convolutions that we started from
# had met plaques under that name. Even that does not help, once the name is gone.)
#
# Four limits, then:
#
# 1. It knows the **kinds** it was taught, and gives one of their names to everything else.
# 2. Its **confidence** compares the names that it knows; it does not measure how familiar an image is.
# 3. It needs **labels**: hundreds of slices that an expert has named; healthy scans are cheap.
# 4. A label is not a **place**: Grad-CAM points, roughly.
#
# What if a network learned only what *healthy* looks like, and called ill whatever does not fit?

# %% [markdown] tags=["instructor"]
# **Discuss.** Would a fourth class, "other", help? Ask what one would train it on. Whatever they name is one more known
# class; the unknown stays outside. This is the door to lesson 02, so take two minutes for it.

# %% [markdown]
# ## Three questions

# %%
lessons.quiz(
    "01.quiz-field",
    "Two layers of 3 × 3 kernels with stride 1 see as far as one kernel of…",
    {
        "6 × 6.": "They overlap: the second adds one pixel on each side.",
        "5 × 5.": "Yes: 1 + 2 + 2, with 18 weights in place of 25, and a nonlinearity between.",
        "9 × 9.": "That would be the product; nine weights are what one of them has.",
    },
    right="5 × 5.",
)

# %%
lessons.quiz(
    "01.quiz-split",
    "A paper has 3,064 slices of 233 patients, splits the slices at random, and reports 98 % accuracy. You conclude…",
    {
        "The network is good.": "Neighbouring slices of one tumour are on both sides: memory would do well too.",
        "The network is bad.": "It may be good; this number does not tell.",
        "Little, until people are split.": "Yes. Ask for the split by patient, with an interval over patients.",
    },
    right="Little, until people are split.",
)

# %%
lessons.quiz(
    "01.quiz-sure",
    "A classifier of healthy, tumour and infarct says “healthy, 99 %” of a slice. What may it be?",
    {
        "Healthy, with 99 % probability.": "Only among slices like those it was taught, in their proportions.",
        "Healthy, or anything it was never taught.": "Yes: the 99 % are shared among three names.",
        "Healthy or a small lesion, nothing else.": "An abscess, another contrast, noise: all get one of three names.",
    },
    right="Healthy, or anything it was never taught.",
)

# %% [markdown]
# ## You can now
#
# - **write** a convolution, and count the 46 pixels that one number in layer 4 sees;
# - **write** the training loop, and spot a missing `zero_grad`, a softmax too many, a mode left on, a split by slices;
# - **judge** a classifier by class and by person, from a confusion matrix and an interval;
# - **ask** it where it looked, and measure the answer against chance;
# - **name** four things that it cannot tell you.

# %%
lessons.progress()

# %% [markdown]
# **Next** 02: a network that has only ever seen healthy brains, and is wrong about the others in a useful way.
#
# **Further reading**
#
# - Y. LeCun et al. 1998, *Proceedings of the IEEE* 86:2278: learned convolutions beat designed features at reading
#   handwriting.
# - A. Y. Ng, M. I. Jordan 2002, *On discriminative vs. generative classifiers*, NeurIPS 14: naive Bayes nears its
#   (higher) asymptotic error with fewer examples.
# - R. R. Selvaraju et al. 2017, *Grad-CAM*, ICCV: gradients of a class, averaged over a map, weigh what the map shows.
# - J. Adebayo et al. 2018, *Sanity checks for saliency maps*, NeurIPS: some saliency maps hardly change when the
#   network's weights are replaced by random ones; Grad-CAM passes.
# - A. Nguyen et al. 2015, *Deep neural networks are easily fooled*, CVPR: images that are nothing to us are named with
#   over 99 % confidence.
# - J. Cheng et al. 2015, *PLOS ONE* 10:e0140381: 3,064 contrast-enhanced slices of 233 patients with three kinds of
#   tumour, split by patient.
