"""Sweeps of configurations and targets for one network, and which of them are worth having."""
