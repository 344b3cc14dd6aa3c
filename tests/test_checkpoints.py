"""A saved model comes back the same, and nothing else comes back as a model."""

import io
import json
import pickle
import struct

import pytest
import torch
from tiny import FAMILIES, answer

import brainlab as bl
from brainlab import checkpoints, models, tensorfile


def build(family=models.Autoencoder, **more):
    torch.manual_seed(0)
    return family(bl.ModelConfig(**{"image_size": 32, "width": 4, "latent_dim": 5, **more})).eval()


def latent_dim(name):
    return checkpoints.load(name).config.latent_dim  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_model_comes_back_the_same(family, tmp_path):
    model = build(family, classes=("healthy", "tumour", "ms")).train()
    again = checkpoints.load(checkpoints.save(model, tmp_path / "deep" / "model", contrast="T1w"))
    assert type(again) is family
    assert again.config == model.config
    assert not again.training
    for name, value in model.eval().state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
        assert again.state_dict()[name].dtype == value.dtype
    torch.testing.assert_close(answer(again), answer(model))


@pytest.mark.parametrize("family", FAMILIES)
def test_half_the_bits_take_half_the_place_and_come_back_as_float32(family, tmp_path):
    model = build(family)
    full, half = checkpoints.save(model, tmp_path / "full"), checkpoints.save(model, tmp_path / "half", half=True)
    sizes = [(folder / "weights.safetensors").stat().st_size for folder in (half, full)]
    assert sizes[0] < 0.7 * sizes[1]
    again = checkpoints.load(half)
    assert {p.dtype for p in again.parameters()} == {torch.float32}
    torch.testing.assert_close(answer(again), answer(model), atol=5e-3, rtol=0)


def test_the_words_saved_with_a_model_can_be_read_back(tmp_path):
    assert checkpoints.about(checkpoints.save(build(), tmp_path, contrast="FLAIR", family="ours")) == {
        "contrast": "FLAIR",
        "family": "ours",
    }


def test_saving_and_loading_draw_no_random_numbers(tmp_path):
    model = build()
    torch.manual_seed(4)
    checkpoints.load(checkpoints.save(model, tmp_path))
    drawn = torch.rand(3)
    torch.manual_seed(4)
    assert torch.equal(drawn, torch.rand(3))


def test_a_bare_name_is_that_of_shipped_weights_unless_there_is_such_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path / "shipped")
    monkeypatch.chdir(tmp_path)
    checkpoints.save(build(latent_dim=2), tmp_path / "shipped" / "ae-2", contrast="T2w")
    checkpoints.save(build(latent_dim=4), tmp_path / "shipped" / "vae")
    assert checkpoints.shipped() == ["ae-2", "vae"]
    assert latent_dim("ae-2") == 2
    assert checkpoints.about("ae-2") == {"contrast": "T2w"}
    checkpoints.save(build(latent_dim=3), "ae-2")
    assert latent_dim("ae-2") == 3
    with pytest.raises(bl.InputError, match=r"only ae-2, vae; did you mean 'vae'\?"):
        checkpoints.load("vea")
    with pytest.raises(bl.InputError, match="only ae-2, vae; or give the folder"):
        checkpoints.load("unheard of")
    with pytest.raises(bl.InputError, match=r"config\.json is missing"):
        checkpoints.load("shipped/vea")


def test_the_shipped_weights_lie_beside_the_package():
    assert checkpoints.SHIPPED.parent.is_dir()
    assert checkpoints.SHIPPED.parent.name == "assets"


@pytest.mark.parametrize("start", [0x80, 0x50])  # a pickle's first byte, and the first of a zip's
def test_a_sound_file_may_begin_like_a_pickle(start):
    packed = (tensorfile.pack({"x" * length: torch.ones(2)}) for length in range(1, 300))
    content = next(one for one in packed if one[0] == start)
    assert len(tensorfile.unpack(content, "file")) == 1


@pytest.mark.parametrize(
    ("value", "like"), [(["a"], True), ([], True), ("a", False), ([1], False), (["a", None], False), ({"a": 1}, False)]
)
def test_a_tuple_of_words_is_a_list_of_words_in_json(value, like):
    assert checkpoints._like(value, ("healthy", "lesion")) is like


@pytest.mark.parametrize("half", [False, True])
def test_weights_that_are_not_finite_are_not_saved(half, tmp_path):
    model = build()
    with torch.no_grad():
        next(model.parameters())[0] = 1e5 if half else float("nan")  # 16 bits end at 65,504
    with pytest.raises(bl.InputError, match="not finite"):
        checkpoints.save(model, tmp_path, half=half)
    assert not list(tmp_path.iterdir())


# What may be wrong with a folder: a function that makes it so, and what the message says.


def describe(**changes):
    def change(folder):
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def config(**changes):
    def change(folder):
        kept = json.loads((folder / "config.json").read_text())["config"]
        describe(config=kept | changes)(folder)

    return change


def weights(edit, honest=True):
    """The weights file with its content edited; ``honest`` writes the new hash into config.json too."""

    def change(folder):
        path = folder / "weights.safetensors"
        content = edit(path.read_bytes())
        path.write_bytes(content)
        if honest:
            describe(sha256=tensorfile.sha256(content))(folder)

    return change


def tensors(edit):
    return weights(lambda content: tensorfile.pack(edit(tensorfile.unpack(content, "weights"))))


def without_one(state):
    return dict(list(state.items())[1:])


def first(change):
    return lambda state: state | {(name := next(iter(state))): change(state[name].clone())}


def text(content):
    return lambda folder: (folder / "config.json").write_text(content)


class Evil:
    """Runs code when unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("code was run",))


def torch_saved(content):
    torch.save({"a": Evil()}, file := io.BytesIO())
    return file.getvalue()


WRONG = {
    "no folder": (lambda folder: [path.unlink() for path in folder.iterdir()], r"config\.json is missing"),
    "no weights": (lambda folder: (folder / "weights.safetensors").unlink(), r"weights\.safetensors is missing"),
    "weights are a folder": (
        lambda folder: ((folder / "weights.safetensors").unlink(), (folder / "weights.safetensors").mkdir()),
        "cannot be read",
    ),
    "no JSON": (text("{"), "not the JSON object"),
    "not text": (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe\x00"), "not the JSON object"),
    "a JSON list": (text("[]"), "not the JSON object"),
    "deep JSON": (text("[" * 100_000), "not the JSON object"),
    "no family": (text('{"config": {}}'), "'family' is missing"),
    "a private name": (describe(family="__name__"), "there is no family"),
    "the config class": (describe(family="ModelConfig"), "there is no family"),
    "a list as family": (describe(family=[]), r"family is \[\]"),
    "hash not text": (describe(sha256=None), "sha256 is None"),
    "config no object": (describe(config=[]), r"config is \[\]"),
    "about no object": (describe(about=3), "about is 3"),
    "unknown field": (config(depth=3), "unknown field 'depth'"),
    "field of another type": (config(image_size="32"), "image_size is '32'"),
    "field that is a truth": (config(channels=True), "channels is True"),
    "field out of range": (config(image_size=50), "multiple of 16"),
    "another config": (config(latent_dim=6), r"does not fit its config\.json"),
    "another family": (describe(family="DenoisingAutoencoder"), r"does not fit its config\.json|too large"),
    "a width beyond all memory": (config(width=10**6), r"does not fit its config\.json"),
    "a width beyond all numbers": (config(width=10**30), "No model can be built"),
    "a bit flipped": (weights(lambda c: c[:-1] + bytes([c[-1] ^ 1]), honest=False), "hash"),
    "cut, and known": (weights(lambda c: c[:-4], honest=False), "hash"),
    "cut": (weights(lambda c: c[:-4]), "not a whole safetensors file"),
    "nothing": (weights(lambda c: b""), "not a whole safetensors file"),
    "a huge header": (weights(lambda c: struct.pack("<Q", 2**62) + c[8:]), "not a whole safetensors file"),
    "a header beyond the file": (weights(lambda c: struct.pack("<Q", 90_000_001) + c[8:]), "not a whole safetensors"),
    "a huge file": (weights(lambda c: c + bytes(3_000_000)), "too large"),
    "a pickle": (weights(lambda c: pickle.dumps(Evil())), "pickled objects"),
    "torch.save": (weights(torch_saved), "pickled objects"),
    "a missing key": (tensors(without_one), "is missing"),
    "a key too many": (tensors(lambda state: state | {"more": torch.ones(1)}), "more is one too many"),
    "another shape": (tensors(first(lambda x: x[..., None])), "not torch.float32"),
    "another type": (tensors(first(lambda x: x.double())), "is torch.float64"),
    "not a number": (tensors(first(lambda x: x.fill_(float("nan")))), "not finite"),
    "infinity": (tensors(first(lambda x: x.fill_(float("inf")))), "not finite"),
}


@pytest.mark.parametrize(("spoil", "says"), WRONG.values(), ids=WRONG)
def test_what_is_not_as_it_was_saved_is_refused_in_a_sentence(spoil, says, tmp_path):
    spoil(checkpoints.save(build(), tmp_path / "model"))
    with pytest.raises(bl.InputError, match=says) as caught:
        checkpoints.load(tmp_path / "model")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


class Renamed(models.Autoencoder):
    pass


def spoilt_config():
    model = build()
    vars(model)["config"] = None
    return model


UNLOADABLE = {
    "a subclass": (lambda: build(Renamed), {}, "A Renamed cannot be saved"),
    "a layer": (lambda: torch.nn.Linear(2, 2), {}, "A Linear cannot be saved"),
    "no config": (spoilt_config, {}, "without its ModelConfig"),
    "double precision": (lambda: build().double(), {}, r"torch\.float64.*call float\(\)"),
    "no words": (lambda: build(latent_dim=4), {"epochs": 5}, "must be text, got epochs=5"),
    "too many words": (lambda: build(latent_dim=4), {"note": "x" * 1_000_001}, "shorten it"),
}


@pytest.mark.parametrize(("model", "about", "says"), UNLOADABLE.values(), ids=UNLOADABLE)
def test_what_load_would_refuse_is_not_saved_and_the_model_before_stays(model, about, says, tmp_path):
    checkpoints.save(build(latent_dim=3), tmp_path)
    with pytest.raises(bl.InputError, match=says):
        checkpoints.save(model(), tmp_path, **about)
    assert latent_dim(tmp_path) == 3
