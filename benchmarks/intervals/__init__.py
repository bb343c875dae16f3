"""Do the intervals cover what they promise? Exchangeable simulated data, and ETTh1."""
