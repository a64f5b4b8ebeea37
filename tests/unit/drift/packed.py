"""Packed columns, and the plain ones that they stand for."""

from __future__ import annotations

from fairlead.api.common.v1 import table_pb2
from fairlead.api.events.v1 import events_pb2


def packed(batch: events_pb2.PredictionBatch) -> events_pb2.PredictionBatch:
    """Return a batch whose columns are all packed; its numbers must be such as a float32 holds."""
    message = events_pb2.PredictionBatch()
    message.CopyFrom(batch)
    message.ClearField("inputs")
    message.ClearField("prediction")
    message.packed_inputs.extend(_packed(column) for column in batch.inputs)
    message.packed_prediction.CopyFrom(_packed(batch.prediction))
    return message


def unpacked(batch: events_pb2.PredictionBatch) -> events_pb2.PredictionBatch:
    """Return a batch without packed columns."""
    message = events_pb2.PredictionBatch()
    message.CopyFrom(batch)
    message.ClearField("packed_inputs")
    message.ClearField("packed_prediction")
    message.inputs.extend(_unpacked(column) for column in batch.packed_inputs)
    if batch.HasField("packed_prediction"):
        message.prediction.CopyFrom(_unpacked(batch.packed_prediction))
    return message


def _packed(column: table_pb2.Column) -> events_pb2.PackedColumn:
    if column.WhichOneof("values") == "numbers":
        return events_pb2.PackedColumn(name=column.name, numbers=column.numbers.values)
    texts = list(dict.fromkeys(column.texts.values))
    return events_pb2.PackedColumn(
        name=column.name, texts=texts, places=bytes(texts.index(text) for text in column.texts.values)
    )


def _unpacked(column: events_pb2.PackedColumn) -> table_pb2.Column:
    if column.texts:
        texts = table_pb2.TextColumn(values=[column.texts[place] for place in column.places])
        return table_pb2.Column(name=column.name, texts=texts)
    return table_pb2.Column(name=column.name, numbers=table_pb2.NumberColumn(values=column.numbers))
