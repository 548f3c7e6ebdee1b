"""Planning: what the target offers, how layers are cut to fit it, and where regions lie in its memories."""
