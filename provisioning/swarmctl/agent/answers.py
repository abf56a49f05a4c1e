"""What a peer's ended task says of the step it was given."""

from a2a.helpers import get_data_parts
from a2a.types.a2a_pb2 import Task, TaskState
from pydantic import ValidationError

from swarmctl.core.messages import StepDone, StepOrder


def read_done(task: Task, order: StepOrder, role: str) -> StepDone:
    """The StepDone in a task's artifacts, or one whose problem says why there is none."""
    if task.status.state != TaskState.TASK_STATE_COMPLETED:
        said = " ".join(part.text for part in task.status.message.parts if part.text)
        word = TaskState.Name(task.status.state).removeprefix("TASK_STATE_").lower()
        return _problem(order, f"agent {role!r} {word}: {said or 'it gave no reason'}")
    for artifact in task.artifacts:
        for data in get_data_parts(artifact.parts):
            if done := _done(data, order):
                return done
    return _problem(order, f"agent {role!r} answered something that is no result of step {order.number}")


def _done(data: object, order: StepOrder) -> StepDone | None:
    try:
        done = StepDone.model_validate(data)
    except ValidationError:
        return None
    return done if done.number == order.number else None


def _problem(order: StepOrder, sentence: str) -> StepDone:
    return StepDone(number=order.number, commit=None, problem=sentence)
