"""The passes, one file each; ``pipeline`` says their order and why."""
