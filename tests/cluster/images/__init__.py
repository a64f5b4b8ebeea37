"""Each image by itself, in a container as a cluster's policy "restricted" lets it run."""
