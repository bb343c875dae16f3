"""What it costs to look inside a network every 100 steps of its training, in interleaved pairs."""
