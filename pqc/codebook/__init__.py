"""Learning codebooks and tables: k-means, least-squares refit, table quantization, bias correction. No IR inside."""
