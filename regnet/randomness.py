"""Where does each random number come from?

Every draw has a generator of its own that follows from the study's seed and from labels that say
what is drawn, and from nothing else: not from the order of the work, the number of processes or what
was drawn before. Adding scenarios, replicates or methods therefore changes no other number.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np


def stream(seed: int, *labels: str | int) -> np.random.Generator:
    """Return the generator that belongs to a seed and labels.

    Parameters
    ----------
    seed : int
        Seed of the study, at least 0.
    *labels : str or int
        What is drawn: ``stream(1, "effects", identity, replicate)``. Other labels give independent
        streams; 1 and "1" are different labels.

    Notes
    -----
    The 256 bits of SHA-256 over the seed and labels (as JSON, so that no two lists coincide) seed a
    PCG64, named here since NumPy's default generator may change.
    """
    text = json.dumps([int(seed), *(label if isinstance(label, str) else int(label) for label in labels)])
    digest = hashlib.sha256(text.encode()).digest()
    words = np.frombuffer(digest, dtype="<u4")
    entropy = [int(word) for word in words]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
