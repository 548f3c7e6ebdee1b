"""Whether every pass keeps what the network computes: execution before and after each, compared node by node."""
