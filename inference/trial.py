"""A release on trial: does the file run, and does what comes out fit the card?"""

import numpy as np

from streetsight.inference.session import Detector
from streetsight.models.releases import Release


def try_release(release: Release) -> None:
    """Open a release on the reference backend and look at one grey picture.

    Raises:
        ReleaseError: when the file is no ONNX model, or its input, output or number of classes are not
            what the card says.
    """
    size = release.card.input.size
    Detector(release, provider="onnx").detect(np.full((size, size, 3), 114, np.uint8))
