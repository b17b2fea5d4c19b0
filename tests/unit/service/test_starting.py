"""The start of a server and of a worker."""

import gc

import pytest

from streetsight.service.starting import starting


def test_garbage_is_looked_for_again_however_a_start_ends() -> None:
    with starting():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyboardInterrupt), starting():
        raise KeyboardInterrupt
    assert gc.isenabled()
