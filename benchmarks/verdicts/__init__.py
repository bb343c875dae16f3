"""Is the verdict right? Random walks, an AR(1), and real series, each beside its plain baselines."""
