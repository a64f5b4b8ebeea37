"""What a task says when it failed: a code, and one sentence a person can act on."""

from __future__ import annotations

import signal

from fairlead.kit.errors import FairleadError, Internal, ResourceExhausted, error_for


def sentence(error: FairleadError) -> str:
    """Return the error's message with its field violations folded in."""
    details = "; ".join(f"{violation.field}: {violation.description}" for violation in error.violations)
    return f"{error.message} ({details})" if details else error.message


def failure_of(error: Exception) -> FairleadError:
    """Return what the user is told of an exception of the work: never a traceback."""
    if isinstance(error, FairleadError):
        return error_for(error.code, sentence(error))
    if isinstance(error, MemoryError):
        return ResourceExhausted("the work ran out of memory; give it less data, or the machine more memory")
    return Internal(
        f"the work failed because of a defect ({type(error).__name__}); the log of the service has the details"
    )


def failure_of_ending(exit_code: int) -> FairleadError:
    """Return what the user is told of a child process that ended without a word.

    A negative exit code, or one above 128, is a signal, as in subprocess and in a shell.
    """
    number = -exit_code if exit_code < 0 else exit_code - 128 if exit_code > 128 else 0
    if number == signal.SIGKILL:
        return Internal("the work ended with signal 9 (SIGKILL): it was killed, most often because memory ran out")
    if number:
        return Internal(f"the work ended with signal {number} ({_signal_name(number)})")
    return Internal(f"the work ended with exit code {exit_code} and no result; the log of the service has the details")


def interrupted_too_often(attempts: int) -> FairleadError:
    """Return what the user is told of work that was under way each time the service died."""
    return Internal(f"the work was interrupted {attempts} times, as the service ended under it; it is not tried again")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
