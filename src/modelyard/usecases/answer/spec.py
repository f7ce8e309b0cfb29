"""What the action that answers commands declares."""

from modelyard.steps.declaration import TOKEN, ActionInputs, ActionOutputs, ActionSpec


class AnswerInputs(ActionInputs):
    """Inputs of answer."""

    judging_workflow: str = "ml-pull-request.yml"
    """File of the workflow that judges pull requests; `evaluate` runs it again, `why` reads what it kept."""
    train_workflow: str = "ml-train-promote.yml"
    """File of the workflow that `retrain` starts."""
    rollback_workflow: str = "ml-rollback.yml"
    """File of the workflow that `promote` and `rollback` start; it proves the version and waits for its approval."""


class AnswerOutputs(ActionOutputs):
    """Outputs of answer."""

    command: str = ""
    """The command that was asked for; empty where the comment holds none."""
    answer: str = ""
    """What came of it, as a code such as started, head-moved or no-right; empty where there was nothing to answer."""


ANSWER = ActionSpec(
    name="answer",
    summary="Answer a command in a comment on a pull request, such as /modelyard why roc_auc.",
    example="modelyard answer",
    inputs=AnswerInputs,
    outputs=AnswerOutputs,
    permissions={"actions": "write", "pull-requests": "write"},
    environment="carry",
    secrets=(TOKEN,),
)
