"""Resource names."""

from __future__ import annotations


def id_of(name: str) -> str:
    """Return the last part of a resource name: the id alone is its own."""
    return name.rsplit("/", 1)[-1]


def dataset_version_path(dataset: str) -> str:
    """Return "{dataset}/versions/{n}" of "adult", "adult/versions/2" or a full name; no version means latest."""
    parts = dataset.split("/")
    if parts[0] == "projects":
        parts = parts[3:]
    if len(parts) == 1:
        parts += ["versions", "latest"]
    return "/".join(parts)


def model_version_path(model: str) -> str:
    """Return the name below a project of "adult", "adult@champion", "adult/3", "adult/versions/3" or a full name.

    A model alone means its champion.
    """
    parts = model.split("/")
    if parts[0] == "projects":
        return "/".join(parts[2:])
    if "@" in model:
        return "models/{}/aliases/{}".format(*model.split("@", 1))
    if len(parts) == 1:
        return f"models/{model}/aliases/champion"
    return f"models/{parts[0]}/versions/{parts[-1]}"
