"""Language: models of text, beside their plain baselines and beside the same networks elsewhere."""
