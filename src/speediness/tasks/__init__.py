"""Pretext tasks: one file is one paper's idea, one line here registers it."""

from speediness.tasks.speed_class import SpeedClassTask

TASKS = {"speed_class": SpeedClassTask}
