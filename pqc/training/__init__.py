"""PQ-aware fine-tuning of networks at the float level of the intermediate representation, in torch."""
