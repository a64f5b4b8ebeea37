"""Resource names."""

from __future__ import annotations

from fairlead.client.errors import WrongProject


def id_of(name: str) -> str:
    """Return the last part of a resource name: the id alone is its own."""
    return name.rsplit("/", 1)[-1]


def short_name(name: str) -> str:
    """Return a name as people write it in commands, such as "adult/3" for "projects/p/models/adult/versions/3"."""
    parts = name.split("/")
    if parts[0] != "projects" or len(parts) < 4:
        return name
    if parts[2] == "models" and len(parts) == 6:
        return f"{parts[3]}/{parts[5]}"
    return "/".join(parts[3:])


def dataset_path(dataset: str, project: str) -> str:
    """Return the id of a dataset below a project's datasets. Raises WrongProject."""
    return _below(dataset, project, "datasets").split("/")[0]


def dataset_version_path(dataset: str, project: str) -> str:
    """Return "{dataset}/versions/{n}" of "adult", "adult/versions/2", "adult/2" or a full name; none means latest.

    Raises WrongProject for a full name of another project.
    """
    parts = _below(dataset, project, "datasets").split("/")
    return f"{parts[0]}/versions/{parts[-1] if len(parts) > 1 else 'latest'}"


def model_version_path(model: str, project: str) -> str:
    """Return the name below a project of "adult", "adult@champion", "adult/3", "adult/versions/3" or a full name.

    A model alone means its champion. Raises WrongProject for a full name of another project.
    """
    name = _below(model, project, "models")
    if "@" in name:
        return "models/{}/aliases/{}".format(*name.split("@", 1))
    parts = name.split("/")
    if len(parts) == 1:
        return f"models/{name}/aliases/champion"
    return f"models/{parts[0]}/{parts[1] if len(parts) > 2 else 'versions'}/{parts[-1]}"


def _below(name: str, project: str, collection: str) -> str:
    if name.startswith("projects/"):
        if not name.startswith(f"projects/{project}/"):
            raise WrongProject(f"'{name}' is not in the project '{project}'; choose its project, or name one in this")
        name = name.removeprefix(f"projects/{project}/")
    return name.removeprefix(f"{collection}/")
