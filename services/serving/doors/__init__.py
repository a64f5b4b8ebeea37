"""The ways into serving, a folder each; they translate, and know nothing of the adapters."""
