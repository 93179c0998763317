"""Tasks: one file is one paper's idea, one line here registers it."""

from speediness.errors import SpeedinessError, suggest
from speediness.training.tasks.action_class import ActionClassTask
from speediness.training.tasks.arrow_of_time import ArrowOfTimeTask
from speediness.training.tasks.colorization import ColorizationTask
from speediness.training.tasks.odd_one_out import OddOneOutTask
from speediness.training.tasks.playback_rate import PlaybackRateTask
from speediness.training.tasks.random_walk import RandomWalkTask
from speediness.training.tasks.rspnet import RSPNetTask
from speediness.training.tasks.shuffle_and_learn import ShuffleAndLearnTask
from speediness.training.tasks.speed_class import SpeedClassTask
from speediness.training.tasks.task import Task
from speediness.training.tasks.tcc import TCCTask
from speediness.training.tasks.time_cycle import TimeCycleTask

TASKS: dict[str, type[Task]] = {
    "speed_class": SpeedClassTask,
    "playback_rate": PlaybackRateTask,
    "rspnet": RSPNetTask,
    "shuffle_and_learn": ShuffleAndLearnTask,
    "odd_one_out": OddOneOutTask,
    "arrow_of_time": ArrowOfTimeTask,
    "colorization": ColorizationTask,
    "time_cycle": TimeCycleTask,
    "random_walk": RandomWalkTask,
    "tcc": TCCTask,
    "action_class": ActionClassTask,
}
"""speed_class: SpeedNet, normal speed or sped up, the same segment both ways (§3.1). playback_rate: how
many times as fast, of motion measured before. rspnet: RSPNet, which of two clips plays as fast as this
one, and which video it is from. shuffle_and_learn: whether three frames are in order. odd_one_out: which of
six clips is not. arrow_of_time: forwards or backwards. colorization: colours copied from frames before.
time_cycle: a patch tracked there and back. random_walk: there and back along like patches. tcc:
moments that find themselves again by way of another video. action_class: fine-tuning."""


def find_task(name: str) -> type[Task]:
    """The task of a name.

    Raises:
        SpeedinessError: there is none; the nearest is named.
    """
    if name not in TASKS:
        raise SpeedinessError(f"there is no task {name}; {suggest(name, TASKS)}")
    return TASKS[name]
