"""The VAE-GAN's three gradients: each goes where it belongs, with the sign it should have, and nowhere else.

Everything is computed twice: by the step, and by plain backward passes through copies in which only the network in
question may move. A mistake known from published code (a sign, a missing detach, gradients that add up) makes them
differ.
"""

import copy
import math

import pytest
import torch
from tiny import batch, eight_images, rmse, tiny, weights
from torch.nn.functional import logsigmoid

import brainlab as bl
from brainlab import data, losses, training
from brainlab.training import vaegan

pytestmark = pytest.mark.usefixtures("one_thread")
NETWORKS = ("encoder", "decoder", "discriminator")
BETA, PIXEL, SIGMA = 0.7, 0.3, 0.2


def ready(**settings):
    """A tiny model and its step in double precision, with plain gradient descent: what is applied can be read off."""
    model = tiny(bl.VAEGAN).double()
    settings = {"beta": BETA, "pixel": PIXEL, "sigma": SIGMA, "margin": math.inf, "seed": 3} | settings
    step = training.vaegan_step(model, **settings)
    for name in NETWORKS:
        step.optimizers[name] = torch.optim.SGD(getattr(model, name).parameters(), lr=1e-3)
    return model, step


def flat(parameters):
    return torch.cat([p.flatten() for p in parameters])


def applied(step, seed=1):
    """By network: by how much one step on a batch has moved it, divided by the rate: the gradient that was applied."""
    before = {name: weights(getattr(step.model, name)) for name in NETWORKS}
    step({"x": eight_images(seed).double()})
    return {name: (before[name] - weights(getattr(step.model, name))) / 1e-3 for name in NETWORKS}


def forward(model, generator, x):
    """x̃ and x_p of the step's own noise, with q(z|x): (mu, logvar, z, z_p)."""
    mu, logvar = model.encode(x)
    z = mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=generator).double()
    return mu, logvar, z, torch.randn(mu.shape, generator=generator).double()


def declared(model, generator, gamma, seed=1):
    """What the three networks should descend, by the file's table, each in a copy of the model that is its own."""
    x, n, nets = eight_images(seed).double(), 8, {}
    state = generator.get_state()
    for name in NETWORKS:
        net = copy.deepcopy(model)
        mu, logvar, z, z_p = forward(net, torch.Generator().set_state(state), x)
        judge = net.discriminator
        if name == "encoder":
            prior = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum() / n
            objective = BETA * prior + alike(judge, x, net.decode(z))
        elif name == "decoder":
            x_tilde, x_p = net.decode(z.detach()), net.decode(z_p)
            forging = -(logsigmoid(judge(x_tilde)) + logsigmoid(judge(x_p))).sum() / n / 2
            objective = gamma * alike(judge, x, x_tilde) + (1 - gamma) * forging
        else:
            x_tilde, x_p = net.decode(z).detach(), net.decode(z_p).detach()
            fakes = (logsigmoid(-judge(x_tilde)) + logsigmoid(-judge(x_p))) / 2
            objective = -(logsigmoid(judge(x)) + fakes).sum() / n
        objective.backward()
        nets[name] = flat([p.grad for p in getattr(net, name).parameters()])
    return nets


def alike(judge, x, x_tilde):
    features = ((judge.features(x) - judge.features(x_tilde)) ** 2).sum() / 2
    return (features + PIXEL * ((x - x_tilde) ** 2).sum() / (2 * SIGMA**2)) / len(x)


@pytest.mark.parametrize("gamma", [0.0, 0.2, 1.0])
def test_what_is_applied_to_each_network_is_what_is_declared_in_the_first_step_and_the_next(gamma):
    model, step = ready(gamma=gamma)
    for seed in (1, 2):
        expected = declared(model, step.generators["noise"], gamma, seed)
        found = applied(step, seed)
        for name in NETWORKS:
            torch.testing.assert_close(found[name], expected[name], atol=1e-7, rtol=1e-6, msg=name)


def test_the_encoder_gets_none_of_the_adversarial_loss():
    found = [applied(ready(gamma=gamma)[1])["encoder"] for gamma in (0.0, 0.5, 1.0)]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_the_discriminator_gets_nothing_of_the_reconstruction_or_the_prior():
    found = [
        applied(ready(gamma=gamma, pixel=pixel, beta=beta)[1])["discriminator"]
        for gamma, pixel, beta in ((0.0, 0.0, 0.0), (0.9, 5.0, 2.0))
    ]
    assert torch.equal(*found)


def test_a_small_step_along_the_decoders_adversarial_gradient_makes_its_images_look_more_real():
    model, step = ready(gamma=0.0)
    state = step.generators["noise"].get_state()
    x, judge = eight_images().double(), copy.deepcopy(model.discriminator)
    *_, z, z_p = forward(model, torch.Generator().set_state(state), x)

    def realness(net):
        with torch.no_grad():
            return float((logsigmoid(judge(net.decode(z))) + logsigmoid(judge(net.decode(z_p)))).mean() / 2)

    probe = copy.deepcopy(model)
    gradient = applied(step)["decoder"]
    before = realness(probe)
    size = 1e-4 / float(gradient.norm())
    torch.nn.utils.vector_to_parameters(weights(probe.decoder) - size * gradient, probe.decoder.parameters())
    # To first order log D rises by size · ‖gradient‖², for the gradient applied is that of −log D.
    assert realness(probe) - before == pytest.approx(size * float(gradient.norm()) ** 2, rel=0.05)


def test_a_small_step_of_the_discriminator_tells_real_from_fake_better():
    model, step = ready(gamma=0.5)
    terms = []
    for _ in range(2):
        step.generators["noise"].manual_seed(3)
        with torch.no_grad():
            terms.append(step.objectives(step.terms(eight_images().double()))["discriminator"])
        step.generators["noise"].manual_seed(3)
        old = {name: copy.deepcopy(getattr(model, name).state_dict()) for name in ("encoder", "decoder")}
        step({"x": eight_images().double()})
        for name, state in old.items():
            getattr(model, name).load_state_dict(state)
    assert terms[1] < terms[0]


def test_terms_are_in_nats_an_image():
    model, step = ready()
    x, state = eight_images().double(), step.generators["noise"].get_state()
    mu, logvar, z, z_p = forward(model, torch.Generator().set_state(state), x)
    x_tilde, judge = model.decode(z), model.discriminator
    terms = {name: float(value.detach()) for name, value in step.terms(x).items()}
    assert terms == pytest.approx(
        {
            "reconstruction": float(losses.gaussian_nll(x, x_tilde, SIGMA).detach()),
            "kl": float(losses.kl(mu, logvar).detach()),
            "features": float(losses.feature_matching(judge.features(x), judge.features(x_tilde)).detach()),
            "real_cost": -float(logsigmoid(judge(x)).mean().detach()),
            "fake_cost": -float(
                (logsigmoid(-judge(x_tilde)) + logsigmoid(-judge(model.decode(z_p)))).mean().detach() / 2
            ),
            "fooling": -float((logsigmoid(judge(x_tilde)) + logsigmoid(judge(model.decode(z_p)))).mean().detach() / 2),
        }
    )


@pytest.mark.parametrize(
    ("real", "fake", "decoder", "discriminator"),
    [
        (0.69, 0.69, True, True),  # a draw
        (0.34, 1.02, True, True),  # just within 0.68 ± 0.35
        (0.32, 0.69, True, False),  # ahead on real images: pause
        (0.69, 0.32, True, False),  # ahead on fakes
        (1.04, 0.69, False, True),  # behind on real images: no adviser
        (0.69, 1.04, False, True),
        (0.32, 1.04, True, True),  # both would pause: neither does
        (1.04, 0.32, True, True),
        (0.01, 0.01, True, False),
        (3.00, 3.00, False, True),
    ],
)
def test_the_equilibrium_rule(real, fake, decoder, discriminator):
    assert training.equilibrium(real, fake) == training.Updates(decoder, discriminator)
    assert training.equilibrium(real, fake, margin=math.inf) == training.Updates(True, True)


@pytest.mark.parametrize("updates", [training.Updates(True, False), training.Updates(False, True)])
def test_who_pauses_stays_as_it_is_and_the_encoder_never_pauses(updates, monkeypatch):
    monkeypatch.setattr(vaegan, "equilibrium", lambda real, fake, margin: updates)
    model, step = ready()
    before = {name: weights(getattr(model, name)) for name in NETWORKS}
    numbers = step({"x": eight_images().double()})
    moved = {name for name in NETWORKS if not torch.equal(before[name], weights(getattr(model, name)))}
    assert moved == {"encoder"} | {name for name, moves in updates._asdict().items() if moves}
    assert (numbers["decoder_moved"], numbers["discriminator_moved"]) == tuple(map(float, updates))


def test_the_rule_is_given_the_costs_of_this_batch_and_the_margin_asked_for(monkeypatch):
    seen = []
    monkeypatch.setattr(vaegan, "equilibrium", lambda *given: seen.append(given) or training.Updates(True, True))
    numbers = training.vaegan_step(tiny(bl.VAEGAN), margin=0.2)(batch())
    assert seen == [(pytest.approx(numbers["real_cost"]), pytest.approx(numbers["fake_cost"]), 0.2)]


def test_while_it_warms_up_the_decoder_is_left_in_peace_and_the_discriminator_learns_by_looking_on():
    (model, step), (_, undisturbed) = ready(gamma=0.2, warm_up=1), ready(gamma=1.0)
    expected, found = applied(undisturbed), applied(step)
    torch.testing.assert_close(found["decoder"], 0.2 * expected["decoder"], atol=1e-7, rtol=1e-6)
    assert torch.equal(found["encoder"], expected["encoder"])
    assert torch.equal(found["discriminator"], expected["discriminator"])
    expected = declared(model, step.generators["noise"], 0.2)["decoder"]
    torch.testing.assert_close(applied(step)["decoder"], expected, atol=1e-7, rtol=1e-6)


def test_while_it_warms_up_the_decoder_never_pauses(monkeypatch):
    monkeypatch.setattr(vaegan, "equilibrium", lambda real, fake, margin: training.Updates(False, True))
    _, step = ready(warm_up=1)
    assert [float(applied(step)["decoder"].abs().max()) > 0 for _ in range(2)] == [True, False]


def test_without_prior_and_discriminator_eight_images_are_learned_by_heart():
    model, x = tiny(bl.VAEGAN), eight_images()
    step = training.vaegan_step(model, gamma=1.0, beta=0.0, lr=3e-3, lr_d=0.0)
    training.fit(step, data.Batches(x, 8), steps=250, progress=False)
    assert rmse(model, x) < 0.05 < x.std()


def test_the_decoder_is_the_gan_s_generator():
    """Within [0, 1], with the GAN's layers and first weights: the VAE's own decoder gave grain instead of texture."""
    vaegan, gan = tiny(bl.VAEGAN), tiny(bl.GAN)
    assert str(vaegan.decoder) == str(gan.generator)
    with torch.no_grad():
        x = vaegan.eval().decode(20 * torch.randn(5, 8, generator=torch.Generator().manual_seed(0)))
    assert 0 <= float(x.min()) < float(x.max()) <= 1
    assert float(vaegan.decoder.state_dict()["4.weight"].std()) == pytest.approx(0.02, rel=0.1)
