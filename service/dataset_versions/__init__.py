"""Dataset versions: decisions of people frozen as labels, to train on."""
