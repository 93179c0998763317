"""Pretext tasks: one file is one paper's idea, one line here registers it.

A task is a frozen dataclass. Its fields are its options; the recipe has a field of the same name
for each, and :meth:`speediness.training.recipe.Recipe.build_task` hands them over.
"""

from speediness.tasks.speed_class import SpeedClassTask

TASKS = {"speed_class": SpeedClassTask}
