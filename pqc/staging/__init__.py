"""Networks in stages: what the accelerator cannot do is left to the host, where a user allows it."""
