"""How good a release is: figures, intervals, mistakes, on photos it was never trained on."""
