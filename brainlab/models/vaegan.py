"""The VAE-GAN: a VAE whose reconstruction is judged by what a discriminator sees in it, not pixel by pixel.

    q(z|x) = N(mu, sigma²),  z ~ q(z|x),  x_tilde = decoder(z)
    x_p = decoder(z_p),      z_p ~ N(0, I)
    L_llike = ½ ‖D_l(x) − D_l(x_tilde)‖²          D_l, a layer of the discriminator

A pixel-wise loss is content with the mean of all brains that z may stand for: blur. A discriminator objects to blur.
Its layer D_l does not forgive a shift, as the paper hopes: measured with the weights that ship, one pixel to the side
costs 3.2 times as much as a 3 × 3 blur, in pixels 3.5 times. Three networks, three objectives, and each gradient goes
where it belongs only: that is ``training.vaegan_step`` (Larsen et al. 2016, ICML, algorithm 1).
"""

from brainlab.models import blocks
from brainlab.models.config import ModelConfig
from brainlab.models.discriminator import Discriminator
from brainlab.models.gan import generator, start
from brainlab.models.vae import VAE


class VAEGAN(VAE):
    """A VAE in all that it can do, with a discriminator that is needed in training alone. Call ``eval()`` before use.

    Its decoder is the GAN's generator, as in the paper. With the VAE's own, measured on phantoms, samples came out as
    grain: its GroupNorm and linear output leave the discriminator to fight noise of single pixels.

    GroupNorm in the discriminator instead of the paper's BatchNorm: real images, reconstructions and samples are judged
    in turn, and what it says of an image should not depend on which company that came in.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.decoder = generator(config).apply(start)
        self.discriminator = Discriminator(config, norm=blocks.normalise)
