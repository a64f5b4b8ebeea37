"""Serving beside its peers and its floors: the same model, the same row, the same core, one after another."""
