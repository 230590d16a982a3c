"""The DVD network in the form that is exported and run at speed."""

from __future__ import annotations

import torch

from dvd_ros.model.clip import pad_frames
from dvd_ros.model.dvd import DvdModel
from dvd_ros.model.light_checkpoint import LightCodec
from dvd_ros.model.plain_transformer import PlainTransformer
from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder


class SpecialisedDvd(DvdModel):
    """
    A DvdModel of three plain graphs: `encoder`, `transformer`, `decoder`.

    Same methods and, within rounding, same results as the model it was made from: what never
    changes in DVD is folded into the weights, and the VAE sees a whole window at once. Keeps no
    state, so threads may share it. Its codec shares the weights of the model's VAE, or is a light
    one in its place.
    """

    def __init__(self, model: DvdModel, light: LightCodec | None = None) -> None:
        """
        light: a codec for the model's latents, in its dtype and on its device; None is the VAE.

        Raises ValueError where the network has parts that DVD has not.
        """
        self.config, self.dtype, self.device = model.config, model.dtype, model.device
        self.encoder = (WholeEncoder(model.vae) if light is None else light.encoder).eval()
        self.transformer = PlainTransformer(model.dit, model.config.timestep).eval()
        self.decoder = (WholeDecoder(model.vae) if light is None else light.decoder).eval()

    def encode(self, clip: torch.Tensor) -> torch.Tensor:
        """See DvdModel.encode."""
        self._check_for_encode(clip)
        return self.encoder(pad_frames(clip).to(self.device, self.dtype) * 2 - 1)

    def regress(self, latents: torch.Tensor) -> torch.Tensor:
        """See DvdModel.regress."""
        self._check_for_regress(latents)
        return self.transformer(latents.to(self.device, self.dtype))

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """See DvdModel.decode."""
        return self.decoder(latents.to(self.device, self.dtype))

    def specialise(self, light: LightCodec | None = None) -> SpecialisedDvd:
        """Give itself; ValueError for a codec, as it is too late for one."""
        if light is not None:
            raise ValueError('the model is specialised already; give the light codec to the '
                             "plain model's specialise()")
        return self
