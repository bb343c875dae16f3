"""Our recurrent kernels against torch.nn, dense and ragged; ratios and share of the peak."""
