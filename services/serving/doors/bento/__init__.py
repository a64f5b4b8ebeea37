"""BentoML's own API, in whose worker the other doors open."""
