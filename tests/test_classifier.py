"""The classifier, and the step that may weigh its classes."""

import pytest
import torch
from tiny import batch, eight_images, tiny
from torch.nn import functional as F

import brainlab as bl
from brainlab import checkpoints, data, training

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("size", [32, 64, 112, 256])
@pytest.mark.parametrize("classes", [("healthy", "lesion"), ("healthy", "tumour", "ms", "infarct")])
def test_there_is_a_logit_for_each_class_at_every_size(size, classes):
    model = tiny(bl.Classifier, size, classes=classes)
    x = torch.rand(2, 1, size, size)
    assert model(x).shape == (2, len(classes))
    assert model.features(x).shape == (2, 32)  # 4 · width
    assert torch.equal(model.last(model.features(x)), model(x))


def test_the_classes_names_travel_with_the_weights(tmp_path):
    names = ("healthy", "tumour", "ms", "infarct")
    again = checkpoints.load(checkpoints.save(tiny(bl.Classifier, classes=names), tmp_path))
    assert again.config.classes == names  # pyright: ignore[reportAttributeAccessIssue]


def test_what_it_sees_counts_wherever_it_is():
    model = tiny(bl.Classifier, size=256).eval()
    x = torch.zeros(2, 1, 256, 256)
    x[0, :, 112:122, 96:106] = x[1, :, 144:154, 128:138] = 1.0  # one spot, moved by two places of the last map
    torch.testing.assert_close(model.features(x[:1]), model.features(x[1:]), atol=1e-5, rtol=1e-4)
    assert (model.features(x) - model.features(torch.zeros_like(x))).abs().max() > 1e-3


@pytest.mark.parametrize("class_weights", [None, (1.0, 5.0)])
def test_the_step_minimises_cross_entropy_and_counts_what_is_right(class_weights):
    model, label = tiny(bl.Classifier), batch()["label"]
    logits = model(eight_images())
    log_p = F.log_softmax(logits, dim=1)[range(8), label]
    weight = torch.tensor(class_weights or (1.0, 1.0))[label]
    numbers = training.classifier_step(model, class_weights=class_weights)(batch())
    assert numbers["loss"] == pytest.approx(float((-weight * log_p).sum().detach() / weight.sum()), rel=1e-4)
    assert numbers["accuracy"] == float((logits.argmax(1) == label).float().mean())


def test_a_weight_for_each_class_is_asked_for():
    with pytest.raises(bl.InputError, match="healthy"):
        training.classifier_step(tiny(bl.Classifier), class_weights=[1.0])


def test_eight_labels_are_learned_by_heart():
    model = tiny(bl.Classifier)
    step = training.classifier_step(model, lr=1e-2)
    history = training.fit(step, data.Batches(batch(), 8), epochs=120, progress=False)
    assert history["accuracy"][-1] == 1.0
