"""The GAN and f-AnoGAN: whose gradient goes where, and in which direction."""

import copy

import pytest
import torch
from tiny import batch, eight_images, rmse, tiny, weights
from torch.nn import functional as F

import brainlab as bl
from brainlab import data, losses, training

pytestmark = pytest.mark.usefixtures("one_thread")


def gan_for(loss):
    return tiny(bl.WGAN if loss == "wgan_gp" else bl.GAN)


def noise(generator, n=8):
    return torch.randn(n, 8, generator=generator)


@pytest.mark.parametrize("size", [32, 64, 256])
def test_images_lie_between_zero_and_one_and_z_is_a_vector(size):
    images = tiny(bl.GAN, size).decode(torch.randn(3, 8))
    assert images.shape == (3, 1, size, size)
    assert 0 <= images.min() < images.max() <= 1


def test_weights_start_as_in_the_paper():
    gan = tiny(bl.GAN, size=64, width=16)
    for layer in gan.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d) and layer.weight.numel() > 5000:
            assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.1)
        if isinstance(layer, torch.nn.BatchNorm2d):
            assert float(layer.weight.detach().mean()) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("loss", losses.GAMES)
def test_one_turn_of_each_is_what_the_formulas_say(loss):
    """The gradients applied, against plain backward passes through copies in which only one player may move."""
    gan = gan_for(loss)
    step = training.gan_step(gan, loss, label_smoothing=0.1, penalty=10.0, seed=3)
    generator, x = torch.Generator().manual_seed(3), eight_images()
    judge, draw = copy.deepcopy(gan.discriminator), copy.deepcopy(gan.generator)

    x_tilde = draw(noise(generator)).detach()
    real, fake = judge(x), judge(x_tilde)
    more = {"smoothing": 0.1} if loss in ("non_saturating", "minimax") else {}
    declared = losses.GAMES[loss].discriminator(real, fake, **more)
    if loss == "wgan_gp":
        declared = declared + 10 * losses.gradient_penalty(judge, x, x_tilde, generator)
    declared.backward()

    numbers = step(batch())
    for applied, expected in zip(gan.discriminator.parameters(), judge.parameters(), strict=True):
        torch.testing.assert_close(applied.grad, expected.grad)
    assert numbers["discriminator_loss"] == pytest.approx(float(declared.detach()), rel=1e-4)
    assert numbers["real"] == pytest.approx(float(real.mean().detach()), rel=1e-4)
    assert numbers["fake"] == pytest.approx(float(fake.mean().detach()), rel=1e-4)

    judge.load_state_dict(gan.discriminator.state_dict())  # as it is after its turn
    losses.GAMES[loss].generator(judge(draw(noise(generator)))).backward()
    for applied, expected in zip(gan.generator.parameters(), draw.parameters(), strict=True):
        torch.testing.assert_close(applied.grad, expected.grad)


@pytest.mark.parametrize("loss", losses.GAMES)
def test_the_generators_turn_makes_its_images_look_more_real(loss):
    gan = gan_for(loss)
    step = training.gan_step(gan, loss, lr_g=1e-9)  # so small a step that the generator stays where its gradient is
    step(batch())
    z, judge = torch.randn(64, 8, generator=torch.Generator().manual_seed(1)), gan.discriminator
    before = judge(gan.decode(z)).mean()
    with torch.no_grad():
        for p in gan.generator.parameters():
            assert p.grad is not None
            p -= 1e-3 * p.grad / p.grad.norm()
    assert judge(gan.decode(z)).mean() > before


def test_neither_players_turn_moves_the_other():
    gan = tiny(bl.GAN)
    step = training.gan_step(gan)
    for turn, still in (("discriminator", gan.generator), ("generator", gan.discriminator)):
        before = weights(still)
        step.turns = [turn]
        step(batch())
        assert torch.equal(weights(still), before)


def test_turns_and_learning_rates_are_as_asked():
    step = training.gan_step(tiny(bl.GAN), k_d=3, k_g=2, lr_d=1e-4, lr_g=3e-4)
    assert step.turns == ["discriminator"] * 3 + ["generator"] * 2
    assert [step.optimizers[name].param_groups[0]["lr"] for name in ("discriminator", "generator")] == [1e-4, 3e-4]


def test_what_no_game_can_be_played_with_is_refused():
    with pytest.raises(bl.InputError, match="hinge"):
        training.gan_step(tiny(bl.GAN), "hinged")  # pyright: ignore[reportArgumentType]
    with pytest.raises(bl.InputError, match="WGAN"):
        training.gan_step(tiny(bl.GAN), "wgan_gp")
    with pytest.raises(bl.InputError, match="k_d"):
        training.gan_step(tiny(bl.GAN), k_d=0)


@pytest.mark.parametrize("family", [bl.WGAN, bl.VAEGAN])
def test_these_discriminators_judge_each_image_by_itself_in_training_too(family):
    critic, x = tiny(family).train().discriminator, eight_images()
    torch.testing.assert_close(critic(x)[:1], critic(x[:1]), atol=1e-5, rtol=1e-4)


def test_a_generator_learns_how_bright_images_are():
    gan = tiny(bl.GAN)
    x = 0.15 + 0.1 * eight_images()  # a new generator's images are 0.5 in the mean
    step = training.gan_step(gan, lr_d=1e-3, lr_g=2e-3)
    training.fit(step, data.Batches(x, 8), steps=150, progress=False)
    images = gan.eval().decode(torch.randn(64, 8, generator=torch.Generator().manual_seed(0)))
    assert abs(float(images.mean().detach() - x.mean())) < 0.15


def trained_enough():
    """A GAN whose BatchNorm has seen images, and whose pictures differ from each other."""
    gan = tiny(bl.GAN)
    with torch.no_grad():
        list(gan.generator.parameters())[-2].mul_(20)
    for _ in range(20):
        gan.discriminator(gan.decode(torch.randn(16, 8)))
    return gan.eval()


def test_fanogan_is_built_around_a_copy_and_leaves_the_gan_alone():
    gan = trained_enough()
    model = bl.FAnoGAN.around(gan)
    z = torch.randn(4, 8)
    assert torch.equal(model.decode(z), gan.decode(z))
    assert all(p.requires_grad for p in gan.parameters())
    before = weights(gan)
    training.fanogan_step(model)(batch())
    assert torch.equal(weights(gan), before)
    with pytest.raises(bl.InputError, match="WGAN"):
        bl.FAnoGAN.around(tiny(bl.WGAN))


def test_training_fanogan_changes_nothing_of_its_gan_not_even_batch_norms_averages():
    model = bl.FAnoGAN.around(trained_enough())
    before = copy.deepcopy(model.gan.state_dict())
    step = training.fanogan_step(model)
    step(batch())
    model.train()
    step(batch())
    assert all(torch.equal(value, before[name]) for name, value in model.gan.state_dict().items())


def test_fanogans_encoder_reaches_all_of_the_prior():
    model = tiny(bl.FAnoGAN)
    with torch.no_grad():
        list(model.encoder.parameters())[-2].mul_(100)
    assert model.embed(eight_images()).abs().max() > 4  # tanh would end at 1


def test_fanogans_step_minimises_the_papers_loss():
    model, x = bl.FAnoGAN.around(trained_enough()), eight_images()
    see, x_hat = model.gan.discriminator.features, model.reconstruct(x)
    paper = F.mse_loss(x_hat, x) + 0.3 * F.mse_loss(see(x_hat), see(x))
    assert training.fanogan_step(model, kappa=0.3)(batch())["loss"] == pytest.approx(float(paper.detach()) * 32 * 32)


def test_eight_images_of_the_gan_itself_are_found_again():
    model = bl.FAnoGAN.around(trained_enough())
    x = model.decode(torch.randn(8, 8, generator=torch.Generator().manual_seed(4))).detach()
    step = training.fanogan_step(model, lr=3e-3, kappa=0.0)
    training.fit(step, data.Batches(x, 8), steps=300, progress=False)
    assert rmse(model, x) < 0.3 * float((x - x.mean(0)).square().mean().sqrt())
