"""Takes the Adult Census file through the whole job: upload, profile, prepare, train, serve, watch.

`make demo` runs it. Everything it keeps is below .demo; FAIRLEAD_BASE_PORT chooses other ports. `make demo
BACKENDS=real` keeps it in the PostgreSQL, Kafka and S3 that FAIRLEAD_DATABASE_URL, FAIRLEAD_EVENTS_URL and
FAIRLEAD_BLOBS_URL name.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from rich.console import Console
from rich.panel import Panel

from fairlead import ApiError, Client, TaskFailed
from fairlead.api.inference.v2 import open_inference_pb2 as inference
from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceStub
from fairlead.cli.profiles import print_suggestions
from fairlead.cli.progress import TaskProgress
from fairlead.cli.runs import print_leaderboard
from fairlead.client import Json
from fairlead.up.ports import INFERENCE_GRPC, INFERENCE_REST

HERE = Path(__file__).resolve().parent
FILE = HERE / "adult_census" / "adult.csv"
BACKENDS = os.environ.get("BACKENDS") or "embedded"
HOME = HERE.parent / ".demo" / ("real" if BACKENDS == "real" else "")
BUDGET = "60s"
WINDOW = 500
# What the real back ends are named by, with an example of each.
URLS = {
    "FAIRLEAD_DATABASE_URL": "postgresql://user:password@host/database",
    "FAIRLEAD_EVENTS_URL": "kafka://host:9092",
    "FAIRLEAD_BLOBS_URL": "s3://bucket (with FAIRLEAD_S3_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)",
}

console = Console(soft_wrap=True)


class Stopped(Exception):
    """The demo can't go on; the message says why."""


def title(number: int, text: str) -> None:
    """Print a step's heading."""
    console.print(f"\n[bold cyan]{number:>2}. {text}[/]")


def back_ends() -> dict[str, str]:
    """Return the variables that name the back ends, none of them for the embedded ones. Raises Stopped."""
    if BACKENDS == "embedded":
        return dict.fromkeys(URLS, "")
    if BACKENDS != "real":
        raise Stopped(f"BACKENDS is '{BACKENDS}'; it must be embedded or real")
    if missing := [f"{name}={example}" for name, example in URLS.items() if not os.environ.get(name)]:
        raise Stopped(f"BACKENDS=real needs {' and '.join(missing)} in the environment")
    return {name: os.environ[name] for name in URLS}


@contextmanager
def running_fairlead(port: int) -> Iterator[Client]:
    """Start `fairlead up` and yield a client of it; stop it at the end. Raises Stopped."""
    named = back_ends()
    HOME.mkdir(parents=True, exist_ok=True)
    up = subprocess.Popen(
        [sys.executable, "-m", "fairlead.cli.main", "up", "--port", str(port), "--home", str(HOME)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **named},
        start_new_session=True,
    )
    assert up.stdout is not None
    try:
        for line in up.stdout:
            console.print(f"    {line.rstrip()}", markup=False, highlight=False)
            if line.startswith("Ctrl-C"):
                break
        else:
            raise Stopped("Fairlead did not start; the reason is above")
        with Client(f"http://127.0.0.1:{port}", (HOME / "token").read_text().strip()) as client:
            yield client
    finally:
        console.print("\nStopping Fairlead ...")
        up.terminate()
        up.wait()
        console.print("Stopped.")


def train(client: Client) -> Json:
    """Take the file to a registered model and return the workflow."""
    title(2, f"Upload {FILE.name}")
    with TaskProgress("upload", logs=False) as progress:
        version = client.datasets.upload(FILE, "adult", on_message=progress)
    console.print(
        f"    {version['row_count']:,} rows, {len(version['fields'])} columns; "
        f"{version['original_bytes'] / 1e6:.1f} MB as CSV, {version['parquet_bytes'] / 1e6:.1f} MB as Parquet"
    )
    for note in version["notes"]:
        console.print(f"    {note}", markup=False)

    title(3, "Profile and suggestions")
    with TaskProgress("profile", logs=False) as progress:
        profile = client.datasets.profile("adult", on_message=progress)
    guess = profile["target_guess"]
    console.print(f"    {profile['duplicate_row_count']} duplicate rows; {len(profile['warnings'])} warnings")
    console.print(f"    target guessed: {guess['column']}: {guess['reason']}", markup=False)
    print_suggestions(profile, previews=False)

    title(4, f"Prepare, train and export: one durable workflow, {BUDGET} of search")
    workflow = client.workflows.start("adult", target=guess["column"], budget=BUDGET)
    with TaskProgress("workflow", logs=False) as progress:
        workflow = client.workflows.wait(workflow["name"], progress)

    title(5, "Leaderboard")
    print_leaderboard(client.runs.leaderboard(workflow["run"]))
    run = client.runs.get(workflow["run"])
    console.print(
        "    held out: " + ", ".join(f"{name} {value:.4f}" for name, value in sorted(run["metrics"].items())),
    )
    return workflow


def deploy(client: Client, workflow: Json) -> Json:
    """Serve the model that was just registered."""
    title(6, "Export and deployment")
    model, version = workflow["model_version"].split("/")[3::2]
    manifest = client.models.version(f"{model}/{version}")["manifest"]
    parity = manifest["parity"]
    console.print(f"    {model} version {version}: {manifest['candidate']}, runtime {manifest['runtime']}")
    console.print(
        f"    ONNX and native differ by at most {parity['max_difference']:.1e} on {parity['row_count']:,} rows"
    )
    try:
        deployment = client.deployments.create("adult", f"{model}/{version}")
    except ApiError as error:
        if error.code != "ALREADY_EXISTS":
            raise
        deployment = client.deployments.update("adult", f"{model}/{version}")
    console.print(f"    deployment 'adult' is {deployment['state']}")
    return deployment


def predict(client: Client, deployment: Json, rows: list[Json], port: int) -> None:
    """Predict online by REST and by gRPC, and in batch."""
    title(7, "Predict online, by REST and by gRPC")
    began = time.perf_counter()
    by_rest = client.deployments.predict("adult", rows[:3])["predictions"]
    elapsed = (time.perf_counter() - began) * 1e3
    console.print(f"    REST  {elapsed:5.1f} ms  {[p['label'] for p in by_rest]}", markup=False)
    began = time.perf_counter()
    by_grpc = infer_by_grpc(client, deployment["inference_name"], rows[:3], port)
    console.print(f"    gRPC  {(time.perf_counter() - began) * 1e3:5.1f} ms  {by_grpc}", markup=False)

    title(8, "Predict the whole file in batch")
    with TaskProgress("batch", logs=False) as progress:
        task = client.deployments.predict_batch("adult", "adult", "csv", progress)
    result = HOME / "predictions.csv"
    client.tasks.download_result(task["name"], result)
    console.print(f"    {task['result']['row_count']:,} predictions in {result.relative_to(HERE.parent)}")


def infer_by_grpc(client: Client, model: str, rows: list[Json], port: int) -> list[str]:
    """Return labels by the Open Inference Protocol's gRPC."""
    call = [("authorization", f"Bearer {client.connection.token}")]
    with grpc.insecure_channel(f"127.0.0.1:{port + INFERENCE_GRPC}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        described = stub.ModelMetadata(inference.ModelMetadataRequest(name=model), metadata=call)
        request = inference.ModelInferRequest(model_name=model)
        for tensor in described.inputs:
            values = [row[tensor.name] for row in rows]
            added = request.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=[len(rows), 1])
            if tensor.datatype == "BYTES":
                added.contents.bytes_contents.extend(("" if v is None else str(v)).encode() for v in values)
            else:
                added.contents.fp64_contents.extend(float("nan") if v is None else float(v) for v in values)
        answer = stub.ModelInfer(request, metadata=call)
    outputs = {output.name: index for index, output in enumerate(answer.outputs)}
    return labels_of(answer, outputs["predict"])


def labels_of(answer: inference.ModelInferResponse, index: int) -> list[str]:
    """Return the labels of an output, whichever way the server sent them."""
    typed = answer.outputs[index].contents.bytes_contents
    if typed:
        return [value.decode() for value in typed]
    raw, labels = answer.raw_output_contents[index], []
    while raw:
        size = int.from_bytes(raw[:4], "little")
        labels.append(raw[4 : 4 + size].decode())
        raw = raw[4 + size :]
    return labels


def watch(client: Client, deployment: Json, rows: list[Json]) -> None:
    """Send traffic as it was, then traffic that changed, and wait for the alert."""
    title(9, "Traffic like the training data: no alert")
    before = send(client, rows[: 2 * WINDOW], "usual traffic", deployment)
    console.print(
        f"    severity {before['severity']}, {before['alert_count']} alerts, {before['window_count']} windows"
    )

    title(10, "Drifted traffic: people 25 years older who work 15 hours")
    drifted = [{**row, "age": row["age"] + 25, "hours-per-week": 15} for row in rows[2 * WINDOW : 5 * WINDOW]]
    send(client, drifted, "drifted traffic", deployment)
    deadline = time.monotonic() + 30
    while not (alerts := alerts_of(client, deployment)):
        if time.monotonic() > deadline:
            raise Stopped("no alert came for the drifted traffic")
        time.sleep(0.2)
    Console().print(Panel(alerts[0]["message"], title=f"alert: {alerts[0]['severity']}", border_style="red"))


def alerts_of(client: Client, deployment: Json) -> list[Json]:
    """Return the alerts about the version that is deployed."""
    return [a for a in client.monitors.alerts("adult") if a["model_version"] == deployment["model_version"]]


def send(client: Client, rows: list[Json], what: str, deployment: Json) -> Json:
    """Send rows as online requests, wait until they were judged, and return the monitor."""
    counted = wait_for_monitor(client, deployment)["prediction_count"]
    began = time.perf_counter()
    for start in range(0, len(rows), 50):
        client.deployments.predict("adult", rows[start : start + 50])
    console.print(f"    {len(rows):,} rows of {what} in {time.perf_counter() - began:.1f} s")
    deadline = time.monotonic() + 30
    while (monitor := client.monitors.get("adult"))["prediction_count"] < counted + len(rows):
        if time.monotonic() > deadline:
            raise Stopped(f"the monitor saw {monitor['prediction_count'] - counted} of {len(rows)} predictions")
        time.sleep(0.2)
    return monitor


def wait_for_monitor(client: Client, deployment: Json) -> Json:
    """Return the deployment's monitor once it watches the deployed version."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for monitor in client.monitors.list():
            same = monitor["deployment"] == deployment["name"]
            if same and monitor["model_version"] == deployment["model_version"]:
                return monitor
        time.sleep(0.2)
    raise Stopped("no monitor was made for the deployment")


def where_next(client: Client, port: int) -> None:
    """Say where to look next."""
    title(11, "Where to look next")
    home = HOME.relative_to(Path.cwd()) if HOME.is_relative_to(Path.cwd()) else HOME
    (person,) = client.datasets.rows("adult", 1)
    row = json.dumps({"rows": [{key: value for key, value in person.items() if key != "income-per-year"}]})
    console.print(
        f"    API and docs   http://127.0.0.1:{port}/docs, sign in with the token in {home}/token", markup=False
    )
    console.print(f"    Open Inference http://127.0.0.1:{port + INFERENCE_REST}/v2/models/default.adult")
    console.print(f"    in a shell     export FAIRLEAD_HOME={HOME}", markup=False)
    for command in ("runs leaderboard", "models list", "monitors status adult", "tasks list"):
        console.print(f"                   .venv/bin/fairlead {command}")
    console.print(
        f"    with curl      curl -H \"Authorization: Bearer $(cat {home}/token)\" -H 'Content-Type: application/json' "
        f"-d '{row}' http://127.0.0.1:{port}/api/v1/projects/default/deployments/adult:predict",
        markup=False,
    )


def main() -> int:
    """Run the demo and return the exit status."""
    port = int(os.environ.get("FAIRLEAD_BASE_PORT", "7400"))
    began = time.monotonic()
    try:
        title(1, "Start Fairlead on this machine (fairlead up)")
        with running_fairlead(port) as client:
            workflow = train(client)
            deployment = deploy(client, workflow)
            rows = [row for skip in range(0, 5000, 1000) for row in client.datasets.rows("adult", 1000, skip)]
            random.Random(0).shuffle(rows)
            predict(client, deployment, rows, port)
            watch(client, deployment, rows)
            where_next(client, port)
            console.print(f"\n[bold green]Done[/] in {time.monotonic() - began:.0f} s.")
            if sys.stdout.isatty():
                console.print("Fairlead keeps running; Ctrl-C stops everything.")
                while True:
                    time.sleep(3600)
            console.print(
                f"Start it again with: .venv/bin/fairlead up --port {port} --home {HOME.relative_to(HERE.parent)}"
            )
    except KeyboardInterrupt:
        return 0
    except (Stopped, ApiError, TaskFailed) as error:
        logs = HOME / "logs"
        more = f" The services' logs are in {logs}" if logs.exists() else ""
        console.print(f"[bold red]The demo stopped:[/] {error}.{more}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
