"""What `unrolled train TASK` can train: one file a kind of task, each with the options that it has."""
