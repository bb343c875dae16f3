"""Generated C beside the native stream: one step, in nanoseconds, one layer and one answer."""
