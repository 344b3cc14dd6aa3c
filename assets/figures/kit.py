"""The README's picture, kit.png: run `python assets/figures/kit.py` to draw it anew (two minutes on two cores)."""

from pathlib import Path

import torch

import brainlab as bl
from brainlab import anomaly, data, plotting, training

train, val, dev = (data.load("phantom", split=split, contrast="FLAIR") for split in ("train", "val", "dev"))
torch.manual_seed(0)
model = bl.Autoencoder(bl.ModelConfig(image_size=64, latent_dim=32))
training.fit(training.ae_step(model, lr=2e-3), data.Batches(train.images, 32), epochs=12)

shown = []
for kind in ("tumour", "ms", "infarct"):
    scans = dev.where(visit=f"{kind}-hyper")
    largest = scans[scans.masks.flatten(1).sum(dim=1).argsort(descending=True)]
    first = {name: largest.subjects.index(name) for name in reversed(largest.subjects)}  # one slice a person
    shown.append(largest[sorted(first.values())[:2]])
x, brain, masks = (torch.cat([getattr(one, field) for one in shown]) for field in ("images", "brain", "masks"))
maps = anomaly.clean(anomaly.anomaly_map(model, x, brain), brain)

figure = plotting.rows(
    {"image": x, "reconstruction": anomaly.reconstruct(model, x), "anomaly map": maps},
    maps=["anomaly map"],
    masks=masks,
    columns=["tumour", "tumour", "multiple sclerosis", "multiple sclerosis", "infarct", "infarct"],
    caption="Synthetic FLAIR slices. The autoencoder has seen healthy brains only; outlined: the truth.",
    alt="Six slices with lesions, their reconstructions without, and maps in which the lesions light up.",
)
figure.savefig(Path(__file__).with_suffix(".png"), dpi=130)
