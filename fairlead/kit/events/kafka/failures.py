"""kafka-python's errors in the words of Fairlead's error tree."""

from __future__ import annotations

from kafka import errors

from fairlead.kit.errors import FailedPrecondition, FairleadError, InvalidArgument, PermissionDenied, Unavailable

RETRY_SECONDS = 2.0
_NO_ACCESS = (errors.AuthorizationError, errors.SaslAuthenticationFailedError, errors.SecurityDisabledError)
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)
# What a commit meets once its partitions are on their way to another member.
MEMBERSHIP_LOST = (
    errors.CommitFailedError,
    errors.IllegalGenerationError,
    errors.RebalanceInProgressError,
    errors.UnknownMemberIdError,
    errors.FencedInstanceIdError,
)


def failure_of(error: BaseException, doing: str, cluster: object) -> FairleadError:
    """Return the Fairlead error that says what failed, at which brokers and what to do."""
    if isinstance(error, FairleadError):
        return error
    if isinstance(error, _NO_ACCESS):
        return PermissionDenied(
            f"Kafka at {cluster} refused {doing}: {_text(error)}; check the FAIRLEAD_KAFKA_* settings and its ACLs."
        )
    if isinstance(error, _TOO_LARGE):
        return InvalidArgument(
            f"Kafka at {cluster} refused {doing}: the event is larger than its limit for one message "
            "(message.max.bytes, max.message.bytes of the topic); publish less in one event."
        )
    if isinstance(error, errors.UnknownTopicOrPartitionError):
        return FailedPrecondition(
            f"Kafka at {cluster} has no such topic for {doing}; run `fairlead events setup` once."
        )
    return Unavailable(
        f"Kafka at {cluster} did not complete {doing}: {_text(error)}; see that a broker runs there, and try again.",
        retry_after=RETRY_SECONDS,
    )


def no_topic(topic: str, cluster: object) -> FailedPrecondition:
    """Return the error for a topic that is not there."""
    return FailedPrecondition(f"Kafka at {cluster} has no topic '{topic}'; run `fairlead events setup` once.")


def _text(error: BaseException) -> str:
    text = str(error)
    return text if text.startswith(type(error).__name__) else f"{type(error).__name__}: {text}".rstrip(": ")
