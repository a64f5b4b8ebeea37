"""The OpenAPI document as one page for people: no script, nothing fetched from elsewhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

Document = dict[str, Any]

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}
h1{font-size:1.6rem}h2{margin-top:2.2rem;border-bottom:1px solid #d5dbe1;text-transform:capitalize}
details{border:1px solid #d5dbe1;border-radius:6px;margin:.4rem 0;padding:.4rem .8rem}
summary{cursor:pointer}summary code{font-weight:600}.m{display:inline-block;min-width:4.2rem;font:700 .8rem monospace}
.get{color:#0b6bcb}.post{color:#1a7f37}.put,.patch{color:#9a6700}.delete{color:#cf222e}
pre{background:#f4f6f8;border-radius:6px;padding:.7rem;overflow:auto;font-size:.85rem}
table{border-collapse:collapse}td{padding:.15rem .8rem .15rem 0;vertical-align:top}
@media(prefers-color-scheme:dark){body{background:#12181f;color:#dce3ea}pre{background:#1b232c}h2,details{border-color:#323d48}}
"""


def page_of(document: Document) -> str:
    """Return the page: endpoints by tag, each with parameters, body, answers and an example call."""
    sections = "".join(_section(tag, document) for tag in document["tags"])
    info = document["info"]
    intro = "".join(f"<p>{escape(part)}</p>" for part in info["description"].split("\n\n"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])} API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>{intro}"
        f'<p><a href="/openapi.json">openapi.json</a> for programs</p>{sections}</body></html>'
    )


def _section(tag: Document, document: Document) -> str:
    operations = "".join(
        _operation(path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if tag["name"] in operation.get("tags", ())
    )
    return f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>{operations}"


def _operation(path: str, method: str, operation: Document) -> str:
    answers = "".join(_answer(status, answer) for status, answer in operation["responses"].items())
    return (
        f'<details><summary><span class="m {method}">{method.upper()}</span> <code>{escape(path)}</code> '
        f"{escape(operation['summary'])}</summary><p>{escape(operation.get('description', ''))}</p>"
        f"{_parameters(operation.get('parameters', []))}<h4>Example</h4>"
        f"<pre>{escape(_example_call(path, method, operation))}</pre>{answers}</details>"
    )


def _parameters(parameters: list[Document]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(each['in'])}</td>"
        f"<td>{escape(each.get('description', ''))}</td></tr>"
        for each in parameters
    )
    return f"<h4>Parameters</h4><table>{rows}</table>" if rows else ""


def _example_call(path: str, method: str, operation: Document) -> str:
    for each in operation.get("parameters", []):
        if each["in"] == "path":
            example = each.get("schema", {}).get("examples", each.get("examples", [each["name"]]))[0]
            path = path.replace(f"{{{each['name']}}}", str(example))
    lines = [f'curl -X {method.upper()} "$FAIRLEAD_URL{path}" -H "Authorization: Bearer $FAIRLEAD_TOKEN"']
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        body = json.dumps(content["application/json"].get("example", {}), ensure_ascii=False)
        lines += ["-H 'Content-Type: application/json'", f"-d '{body}'"]
    elif content:
        lines += ["-H 'Content-Type: application/octet-stream'", "--data-binary @adult.csv"]
    return " \\\n  ".join(lines)


def _answer(status: str, answer: Document) -> str:
    head = f"<h4>{escape(status)}</h4><p>{escape(answer.get('description', ''))}</p>"
    if not status.startswith("2"):
        return f"<p><b>{escape(status)}</b> {escape(answer.get('description', ''))}</p>"
    examples = [media["example"] for media in answer.get("content", {}).values() if "example" in media]
    shown = [each if isinstance(each, str) else json.dumps(each, indent=2, ensure_ascii=False) for each in examples]
    return head + "".join(f"<pre>{escape(each)}</pre>" for each in shown)
